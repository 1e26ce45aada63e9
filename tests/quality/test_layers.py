"""Imports go down only: the package can be read in import order, and z3 and lark have one door each."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mmcheck"

ROOMS = (
    "_version",
    "",
    "base",
    "ir",
    "target",
    "language",
    "events",
    "model",
    "engines",
    "machine",
    "verdict",
    "placement",
    "report",
    "interfaces",
    "sphinx",
    "cli",
    "__main__",
)
"""The rooms from the ground up; a room is a module or folder of the package, "" the package itself. Within a room
modules may import each other, without a cycle."""

DOORS = {
    "z3": {"mmcheck.engines.smt.solve"},
    "lark": {"mmcheck.language.syntax.parse"},
    "graphviz": {"mmcheck.report.draw.dot"},
}


@cache
def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module that is imported, also inside functions, and for type checking alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in modules() else str(node.module)


@cache
def graph() -> dict[str, set[str]]:
    """Who imports whom inside of the package; asking for the bare version is no import of the package."""
    return {
        name: {other for other in imported(tree) if other in modules() and other not in (name, "mmcheck")}
        for name, tree in modules().items()
    }


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def test_every_module_has_a_room() -> None:
    assert sorted({room(name) for name in modules()} - set(ROOMS)) == []


def test_imports_go_down_only() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, others in graph().items()
        if name != "mmcheck"
        for other in sorted(others)
        if ROOMS.index(room(other)) > ROOMS.index(room(name))
    ]
    assert wrong == []


def test_every_room_is_described() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## How to add")[0]
    assert set(ROOMS) - {"", "_version", "__main__"} <= set(re.findall(r"`(\w+)`", text))


def test_there_is_no_cycle() -> None:
    done: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> None:
        if name in path:
            pytest.fail("a cycle: " + " -> ".join([*path[path.index(name) :], name]))
        if name in done:
            return
        path.append(name)
        for other in sorted(graph()[name]):
            visit(other)
        done.add(path.pop())

    for name in sorted(set(graph()) - {"mmcheck"}):
        visit(name)


@pytest.mark.parametrize("library", sorted(DOORS))
def test_one_door(library: str) -> None:
    users = {name for name, tree in modules().items() if any(i.split(".")[0] == library for i in imported(tree))}
    assert users <= DOORS[library]


def loaded(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "statement",
    [
        "import mmcheck",
        "import mmcheck; mmcheck.verify; mmcheck.litmus",
        "from mmcheck.__main__ import main; main(['--version'])",
        "from mmcheck.__main__ import main; main(['--help'])",
        "from mmcheck.__main__ import main; main(['explain', 'MM101'])",
    ],
)
def test_neither_z3_nor_lark_is_loaded(statement: str) -> None:
    assert loaded(statement) & set(DOORS) == set()


def test_the_command_line_loads_nothing_before_it_knows_the_command() -> None:
    ours = {name for name in loaded("import mmcheck.cli") if name.startswith("mmcheck")}
    assert ours == {"mmcheck", "mmcheck._version", "mmcheck.cli"}


def test_a_command_makes_its_own_options_alone() -> None:
    """What is answered from the cache takes little more than that."""
    assert loaded("from mmcheck.cli import parser; parser({}, 'verify')").isdisjoint({"mmcheck.machine", "shutil"})


def test_only_the_command_line_prints_and_exits() -> None:
    wrong = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        if not name.startswith(("mmcheck.cli", "mmcheck.interfaces.commands", "mmcheck.__main__"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.exit", "exit", "sys.stdout.write")
    ]
    assert wrong == []


OPENING = {
    "open", "mkdir", "makedirs", "replace", "rename", "unlink", "remove", "rmdir", "symlink", "link",
    "mkstemp", "NamedTemporaryFile", "TemporaryDirectory",
}  # fmt: skip
OPENERS = {"os", "io", "shutil", "tempfile"}
METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "touch", "unlink", "symlink_to"}


def opens(call: ast.Call) -> bool:
    module, _, function = ast.unparse(call.func).rpartition(".")
    if not module:
        return function == "open"
    return (module in OPENERS and function in OPENING) or (module != "files" and function in METHODS)


def test_files_have_one_gate() -> None:
    """Everything that is opened, made or removed passes `mmcheck.base.gate`; `cli` may abandon its stdout."""
    found = [
        f"{name} {ast.unparse(node.func)}"
        for name, tree in modules().items()
        if name not in ("mmcheck.base.gate", "mmcheck.language.build_hook")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and opens(node)
    ]
    assert found == [
        "mmcheck.base.cache os.makedirs",
        "mmcheck.base.cache os.makedirs",
        "mmcheck.cli os.open",
        "mmcheck.cli os.open",
    ]
