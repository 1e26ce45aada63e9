"""The documentation is true: its commands print what it says, its words and settings are those of the code.

``pytest tests/integration/test_docs.py --update-golden`` writes outputs and tables anew.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mmcheck.base.codes import CODES
from mmcheck.base.source import SourceFile
from mmcheck.interfaces import settings
from mmcheck.language.syntax.parse import parse_spec
from mmcheck.report import formats
from mmcheck.target.orders import Word, usage
from mmcheck.target.words import METHODS, WORDS
from mmcheck.verdict.results import MEANING

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OURS = tuple(sorted(path.stem for path in DOCS.glob("*.md")))
BLOCK = re.compile(
    r"^(?:<!-- (?P<how>file|append): (?P<path>\S+) -->\n)?```(?P<language>[a-z]+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def text_of(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> Iterator[re.Match[str]]:
    return (match for match in BLOCK.finditer(text) if match["language"] == language)


# --- the tutorial ------------------------------------------------------------------------------------


def shell(folder: Path, command: str) -> str:
    """What a command of the tutorial prints, stdout and stderr as they come."""
    shim = folder.parent / "bin" / "mmcheck"
    if not shim.exists():
        shim.parent.mkdir()
        shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m mmcheck "$@"\n')
        shim.chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("MMCHECK", "NO_COLOR", "FORCE"))},
        "PYTHONPATH": str(ROOT),
        "PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout


def replayed(text: str, folder: Path) -> str:
    """The tutorial with the outputs that its commands have now."""

    def block(match: re.Match[str]) -> str:
        if match["how"]:
            path = folder / match["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w" if match["how"] == "file" else "a", encoding="utf-8") as file:
                file.write(match["body"])
        if match["language"] != "console":
            return match[0]
        commands = [line for line in match["body"].splitlines() if line.startswith("$ ")]
        body = "".join(f"{line}\n{shell(folder, line[2:])}" for line in commands)
        return f"```console\n{body}```"

    return BLOCK.sub(block, text)


def _solver(text: str) -> list[str]:
    return re.findall(r"^mmcheck \S+, (z3 [0-9.]+)", text, re.MULTILINE)


def _verdicts(text: str) -> str:
    return "\n".join(re.findall(r"^(?:  (?:ok|FAIL|\?) .*|exit code .*|\d+ results? in .*)$", text, re.MULTILINE))


def test_the_tutorial_prints_what_it_says(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    text = text_of("tutorial")
    now = replayed(text, folder)
    if request.config.getoption("--update-golden"):
        (DOCS / "tutorial.md").write_text(now, encoding="utf-8")
        return
    if _solver(now) != _solver(text):
        now, text = _without_runs(now), _without_runs(text)
    assert now == text, "accept with --update-golden"


def _without_runs(text: str) -> str:
    """`text` with the reports that tell runs cut down to their verdicts: another solver may find another run."""

    def block(match: re.Match[str]) -> str:
        told = "The cycle, in order" in match["body"]
        return _verdicts(match["body"]) if told else re.sub(r", z3 [0-9.]+;", ", z3;", match[0])

    return BLOCK.sub(block, text)


def test_the_words_of_the_tutorial_are_words() -> None:
    """Of the table of what becomes of the lines of a driver: the calls in its second column, or those of the first."""
    table = text_of("tutorial").partition("| in your code |")[2].partition("\n\n")[0]
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    calls = [re.findall(r"(\w+)\(", mine if theirs.startswith("the same") else theirs) for mine, theirs in rows]
    assert len(set().union(*calls)) > 15
    assert set().union(*calls) - set(WORDS) - set(METHODS) == set()


# --- the language reference --------------------------------------------------------------------------


def grammar_words() -> set[str]:
    grammar = (ROOT / "mmcheck" / "language" / "syntax" / "dsl.lark").read_text(encoding="utf-8")
    return set(re.findall(r"^[A-Z_]+\.1: /([a-z]+)\\b/$", grammar, re.MULTILINE))


def in_code(text: str) -> set[str]:
    """Every word that stands in code, inline or in a block."""
    code = re.findall(r"`([^`\n]+)`", text) + [match["body"] for match in BLOCK.finditer(text)]
    return {word for piece in code for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", piece)}


def test_every_word_of_the_grammar_is_in_the_reference() -> None:
    words = grammar_words()
    assert len(words) > 60
    assert words - in_code(text_of("language")) == set()


def test_the_reserved_words_are_listed() -> None:
    grammar = (ROOT / "mmcheck" / "language" / "syntax" / "dsl.lark").read_text(encoding="utf-8")
    match = re.search(r"^NAME: /\(\?!\(\?:([a-z|]+)\)", grammar, re.MULTILINE)
    assert match is not None
    listed = r"^Reserved, and no names anywhere: (.*?)\. All other"
    paragraph = re.search(listed, text_of("language"), re.MULTILINE | re.DOTALL)
    assert paragraph is not None
    assert set(re.findall(r"`([a-z]+)`", paragraph[1])) == set(match[1].split("|"))


@pytest.mark.parametrize("name", ["language", "tutorial"])
def test_every_example_parses(name: str) -> None:
    found = list(blocks(text_of(name), "mmcheck"))
    assert found
    for match in found:
        parse_spec(SourceFile(f"docs/{name}.md", match["body"]))


SECTIONS: dict[str, Callable[[Word], bool]] = {
    "Barriers": lambda word: word.operation == "fence",
    "Interrupts and migration": lambda word: word.operation.startswith("irq_") or word.operation == "migrate",
    "Per-CPU memory": lambda word: "per_cpu" in word.name or word.name.startswith("this_cpu"),
    "Device memory": lambda word: word.access == "MMIO",
    "Accesses": lambda word: word.operation in ("load", "store"),
    "Read-modify-write": lambda word: True,
}
"""The first that fits takes a word."""


def tables() -> str:
    """The vocabulary as Markdown, by what the words are for; words that do the same share a row."""
    sections: dict[str, dict[str, list[str]]] = {title: {} for title in SECTIONS}
    for table, dot in ((METHODS, "."), (WORDS, "")):
        for word in table.values():
            title = next(title for title, fits in SECTIONS.items() if fits(word))
            sections[title].setdefault(word.doc, []).append(f"`{dot}{usage(word)}`")
    out = []
    for title, rows in sections.items():
        listed = "\n".join(f"| {' '.join(calls)} | {doc} |" for doc, calls in rows.items())
        out.append(f"### {title}\n\n| word | |\n|---|---|\n{listed}\n")
    return "\n".join(out)


def test_the_vocabulary_is_the_tables(request: pytest.FixtureRequest) -> None:
    text = text_of("language")
    head, _, rest = text.partition("<!-- words: begin -->\n")
    _, _, tail = rest.partition("<!-- words: end -->")
    now = f"{head}<!-- words: begin -->\n\n{tables()}\n<!-- words: end -->{tail}"
    if request.config.getoption("--update-golden"):
        (DOCS / "language.md").write_text(now, encoding="utf-8")
        return
    assert now == text, "accept with --update-golden"


# --- settings, verdicts, codes -----------------------------------------------------------------------


def test_the_settings_are_those_of_the_code() -> None:
    table = text_of("daily").partition("<!-- settings -->")[2]
    rows = re.findall(r"^\| `([a-z]+)` \| (.*) \|$", table, re.MULTILINE)
    assert dict(rows) == dict(settings.KEYS)


def test_the_formats_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|", text_of("daily").partition("## Known failures")[0], re.MULTILINE)
    assert sorted(rows) == list(formats.NAMES)


def test_the_meanings_are_those_of_the_code() -> None:
    text = text_of("verdicts")
    for word, meaning in MEANING.items():
        assert re.search(rf"^\| `{word}` \| {re.escape(meaning)}", text, re.MULTILINE), word


def test_codes_that_are_named_exist() -> None:
    for name in OURS:
        assert set(re.findall(r"\bMM\d{3}\b", text_of(name))) <= set(CODES)


@pytest.mark.parametrize("name", OURS)
def test_links_lead_somewhere(name: str) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", text_of(name)):
        if not link.startswith(("#", "http")):
            assert (DOCS / link.partition("#")[0]).exists(), link


def test_paths_that_are_named_exist() -> None:
    for path in re.findall(r"`((?:mmcheck|tests)/[A-Za-z0-9_/.]+)`", text_of("architecture")):
        assert (ROOT / path).exists(), path


@pytest.mark.slow
def test_sphinx_builds_it_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx")
    pytest.importorskip("myst_parser")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(tmp_path / "html")],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
