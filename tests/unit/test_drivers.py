"""Each row of the list of published drivers and devices has a specification that says of it what the list says.

The list (which barriers stand where in which project, and what that breaks) is older than the specifications, and was
made by hand: the verdicts below are its, for the accesses in the order of the text (`hardware`), and `compiler` where
the accesses that matter are plain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mmcheck.base.files import read_source
from mmcheck.ir.program import Program
from mmcheck.language.lower.spec import Spec, load_spec

DRIVERS = Path(__file__).parents[2] / "specs" / "drivers"
FILES = sorted(DRIVERS.glob("*.litmus"))

BROKEN = {
    "P1": "published", "P2": "no_lost_kick", "P3": "no_lost_kick", "P4": "completed", "P5": "no_lost_interrupt",
    "P6": "recycled", "D1": "published", "D3": "no_lost_interrupt", "D4": "no_lost_kick", "D5": "recycled",
}  # fmt: skip
"""Obligation -> the requirement that breaks with it."""


@dataclass(frozen=True)
class Row:
    """A row: its file, what is broken, and by what on each machine (`holds` if by nothing)."""

    file: str
    broken: str = ""
    armv8: str = "holds"
    x86: str = "holds"
    only_x86: bool = False


ROWS = {
    "G01": Row("linux-split", "P6", "hardware"),  # DMB ISHST orders no read; closed by what its callers do
    "G02": Row("linux-packed", "P6", "hardware"),
    "G04": Row("freebsd", "P6", "hardware"),
    "G06": Row("dpdk"),
    "G08": Row("osv"),
    "G10": Row("xv6"),
    "G12": Row("seabios", only_x86=True),
    "G14": Row("rust-vmm"),
    "B01a": Row("rcore"),
    "B01b": Row("rcore-interrupt", "P4", "hardware"),
    "B05": Row("u-boot", "P1 P4", "hardware", "compiler"),
    "B05 ": Row("u-boot-notify", "P2 P5", "hardware", "hardware"),
    "B06": Row("serenity", "P2", "hardware", "hardware"),
    "B10": Row("openamp", "D1", "hardware", "compiler"),
    "B15": Row("onyx", "P1 P4", "hardware", "compiler"),
    "B16": Row("netbsd", "P2", "hardware", "hardware"),
    "B18c": Row("hobby-submit", "P4", "hardware"),
    "B20": Row("hobby-gpu", "P1 P4", "hardware", "compiler"),
    "B20 ": Row("hobby-gpu", "P3", "hardware"),
    "B30a": Row("cloud-hypervisor", "D4", "holds", "hardware"),
    "B31a": Row("kvmtool-avail", "D1", "hardware", "compiler"),
    "B31b": Row("kvmtool-signal", "D3", "hardware", "hardware"),
}


@cache
def spec_of(name: str) -> Spec:
    return load_spec(read_source(str(DRIVERS / f"{name}.litmus")))


def expectations(spec: Spec, machine: str) -> dict[str, str]:
    """Requirement -> ``holds``, or what breaks it, of the program as written."""
    target = next(each for each in spec.targets if each.name == machine)
    found = {}
    for each in spec.program(target, None).requirements:
        verdict, layer, _ = spec.expected(each.name, each.kind, target, None)
        found[each.name] = "holds" if verdict == "holds" else str(layer)
    return found


@pytest.mark.parametrize("machine", ["armv8", "x86-tso"])
@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_expected_as_listed(name: str, machine: str) -> None:
    row = ROWS[name]
    if row.only_x86 and machine == "armv8":
        assert [target.name for target in spec_of(row.file).targets] == ["x86-tso"]
        return
    found = expectations(spec_of(row.file), machine)
    listed = row.armv8 if machine == "armv8" else row.x86
    for obligation in row.broken.split():
        assert found[BROKEN[obligation]] == listed, obligation


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_else_is_expected_to_break(path: Path) -> None:
    """But what follows: data that is stale may be the last request's; the platform's rules; smp_wmb and P6 or D5."""
    rows = [row for row in ROWS.values() if row.file == path.stem]
    spec = spec_of(path.stem)
    for target in spec.targets:
        if target.name not in ("armv8", "x86-tso") or "+" in str(target):
            continue
        found = expectations(spec, target.name)
        listed = {BROKEN[each] for row in rows for each in row.broken.split()}
        stale = {"published", "completed"} & {name for name, by in found.items() if by != "holds"}
        follows = {"recycled"} if stale or "smp_wmb" in path.read_text(encoding="utf-8") else set()
        follows |= {"completed"} if "published" in stale else set()
        rest = {name for name, by in found.items() if by not in ("holds", "platform")} - listed - follows
        assert rest == set(), target.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_where_it_comes_from_is_said(path: Path) -> None:
    """The row in the title, the source, and for each function that the driver writes differently where it is."""
    text = path.read_text(encoding="utf-8")
    title = re.search(r'^spec "(.*)"$', text, re.MULTILINE)
    assert title is not None
    names = re.findall(r"\(([GB]\d\d[a-c]?)\)", title[1])
    assert names and all(ROWS[name].file == path.stem or ROWS[f"{name} "].file == path.stem for name in names)
    assert re.search(r'^mirrors "https://github.com/\S+: \S|^mirrors "a hobby ', text, re.MULTILINE)
    heads = re.findall(r"^(?:override )?fn (\w+)\(.*$", text, re.MULTILINE)
    said = re.findall(r'^(?:override )?fn (\w+)\(.* mirrors "[^"]+: [^"]+" \{', text, re.MULTILINE)
    of_the_run = {"wait_used", "reap", "serve", "enable_irq", "bsd_mb", "bsd_rmb", "bsd_wmb"}
    assert set(heads) - set(said) <= of_the_run


def plain_lines(program: Program, name: str) -> set[int]:
    """Lines of the file `name` with a plain access of memory."""
    found = set()
    for body in [*[each.body for each in program.threads], *[each.body for each in program.functions.values()]]:
        for each in _parts(body):
            if type(each).__name__ in ("Load", "Store") and "Plain" in each.tags and each.origin.span is not None:
                span = each.origin.span
                if Path(span.file.path).name == name:
                    found.add(span.line)
    return found


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for one in value:
            yield from _parts(one)
    elif hasattr(type(value), "__dataclass_fields__"):
        yield value
        for name in type(value).__dataclass_fields__:
            if isinstance(getattr(value, name), tuple):
                yield from _parts(getattr(value, name))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_plain_access_is_called_plain(path: Path) -> None:
    """Volatile and atomic ones say so by their words."""
    spec = spec_of(path.stem)
    lines = path.read_text(encoding="utf-8").splitlines()
    found = plain_lines(spec.program(spec.targets[0], None), path.name)
    assert [lines[number - 1] for number in found if "plain" not in lines[number - 1]] == []


def test_plain_accesses_are_found() -> None:
    spec = spec_of("dpdk")
    assert len(plain_lines(spec.program(spec.targets[0], None), "dpdk.litmus")) == 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_two_are_in_flight_and_the_indices_wrap(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    runs = re.findall(r"^override thread driver \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    for run in runs:
        before = re.split(r"await|wait_used", run)[0]
        assert before.count("request(") + before.count("add_chain(") >= 2
    assert "const START" not in text  # the references': the second request or the first chain wraps
    includes = re.findall(r'^include "\.\./virtio/(split|split-notify|packed)\.litmus"$', text, re.MULTILINE)
    assert len(includes) == 1


def test_the_references_wrap() -> None:
    folder = DRIVERS.parent / "virtio"
    assert "const START: u16 = 0xfffe " in (folder / "split.litmus").read_text(encoding="utf-8").replace("\n", " ")
    assert "START" not in (folder / "split-notify.litmus").read_text(encoding="utf-8")
    packed = (folder / "packed.litmus").read_text(encoding="utf-8")
    assert "const SIZE: u16  = 4" in packed and "const START: u16 = 3 " in packed
