"""Every diagnostic code in use is registered, and explained in sentences."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path

from mmcheck.base.codes import CODES

PACKAGE = Path(__file__).resolve().parents[2] / "mmcheck"


def used() -> dict[str, str]:
    """The codes that stand as texts in the package, with one place each."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"MM\d{3}", node.value):
                found.setdefault(node.value, f"{path.relative_to(PACKAGE)}:{node.lineno}")
    return found


def test_every_code_in_use_is_registered() -> None:
    assert {code: place for code, place in used().items() if code not in CODES} == {}


def test_every_registered_code_is_in_use() -> None:
    """Lenient while rooms are still being built: a warning that is shown, not an error."""
    idle = sorted(set(CODES) - set(used()))
    if idle:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(f"codes that nothing uses: {', '.join(idle)}", stacklevel=1)


def test_no_entry_is_overlooked() -> None:
    """Each heading of the table is read, and nothing stands between entries."""
    text = (PACKAGE / "base" / "codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^#+ (MM\S*)", text, re.MULTILINE) == sorted(CODES)
    entries = text[text.index("## MM") :]
    assert entries.split() == " ".join(f"## {code} {title} {said}" for code, (title, said) in CODES.items()).split()


def test_entries_are_well_formed() -> None:
    for code, (title, text) in CODES.items():
        assert re.fullmatch(r"MM\d{3}", code)
        assert title and not title.endswith("."), code
        assert text.endswith((".", "?")) and len(text) > 15, code


def test_entries_are_in_order() -> None:
    assert list(CODES) == sorted(CODES)
