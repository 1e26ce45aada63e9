"""Helpers: load a text as a specification, show programs with the names of cells in place of addresses."""

from __future__ import annotations

import re
from pathlib import Path

from mmcheck.base.errors import Diagnostic, InputError
from mmcheck.base.source import SourceFile
from mmcheck.ir.program import Program, show
from mmcheck.language.lower import Spec, load_spec
from mmcheck.target.targets import parse_target

DATA = Path(__file__).parents[2] / "data" / "lower"
SPECS = Path(__file__).parents[3] / "specs"


def load(text: str, **others: str) -> Spec:
    """The specification `text`; `others` are files beside it, ``lib`` for ``lib.litmus``."""

    def read(path: Path) -> str:
        if path.stem in others:
            return others[path.stem]
        raise FileNotFoundError(path)

    return load_spec(SourceFile("test.litmus", text), root=Path(), read=read)


def load_file(path: Path) -> Spec:
    return load_spec(SourceFile(str(path), path.read_text()))


def diagnostics(text: str, **others: str) -> tuple[Diagnostic, ...]:
    """What is wrong with `text`; nothing if it is fine."""
    try:
        load(text, **others)
    except InputError as found:
        return found.diagnostics
    return ()


def program(text: str, target: str = "armv8", variant: str | None = None) -> Program:
    return load(text).program(parse_target(target), variant)


def listing(program: Program) -> str:
    """Functions, threads and requirements as text; an address that is a cell's is shown as its name."""
    names = {str(cell.address): cell.name for cell in program.cells}
    lines = []
    for function in program.functions.values():
        result = "" if function.result is None else f" -> {function.result}"
        lines += [f"fn {function.name}({', '.join(map(str, function.params))}){result}", show(function.body, 1)]
    for thread in program.threads:
        source = "" if thread.source else " as instructions"
        privates = "".join(f" {register}={value}" for register, value in thread.privates)
        lines += [f"{thread.kind} {thread.name}{source}{privates}", show(thread.body, 1)]
    for each in program.requirements:
        subjects = f" of {', '.join(each.subjects)}" if each.subjects else ""
        lines.append(f"{each.name}: {each.kind} {each.cond}{subjects}")
    text = "\n".join(line for line in "\n".join(lines).split("\n") if line.strip())
    return re.sub(r"\d{6,}", lambda found: names.get(found.group(), found.group()), text) + "\n"


def body(statements: str, head: str = "memory x, y", target: str = "armv8") -> str:
    """How `statements` are lowered in a thread, without the last line, which is the requirement."""
    text = f"targets {target}\n{head}\nthread P {{\n{statements}\n}}\nrequirement r {{ progress }}\n"
    return show(program(text, target).threads[0].body)
