"""Tests that share parts with earlier ones are read as if they were alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mmcheck.base.errors import InputError
from mmcheck.base.records import fields
from mmcheck.base.source import SourceFile
from mmcheck.language.herd.columns import is_herd_format, split
from mmcheck.language.herd.read import LitmusTest, read_litmus
from mmcheck.language.herd.shared import Parts

FOLDER = Path(__file__).resolve().parents[3] / "litmus"
FILES = [path for path in sorted(FOLDER.rglob("*.litmus")) if is_herd_format(path.read_text(encoding="utf-8"))]
SUITE = os.environ.get("MMCHECK_HERD_SUITE", "")

MP = """{arch} {name}
{{ {init} }}
 P0 | P1 ;
{rows}
{end}
"""
INIT = "0:X1=x; 0:X3=y; 1:X1=x; 1:X3=y;"
ROWS = """ MOV W0,#1 | LDR W0,[X3] ;
 STR W0,[X1] | LDR W2,[X1] ;
 STR W0,[X3] | ;"""
END = "exists (1:X0=1 /\\ 1:X2=0)"


def made(arch: str = "AArch64", name: str = "MP", init: str = INIT, rows: str = ROWS, end: str = END) -> SourceFile:
    return SourceFile(f"{name}.litmus", MP.format(arch=arch, name=name, init=init, rows=rows, end=end))


def bare(value: object) -> object:
    """What a test says, places in the text apart."""
    if isinstance(value, tuple):
        return tuple([bare(each) for each in value])
    if not hasattr(value, "__record_fields__"):
        return value
    kept = [entry.name for entry in fields(value) if entry.name not in ("origin", "span")]
    return type(value).__name__, *[bare(getattr(value, name)) for name in kept]


def same(one: LitmusTest, other: LitmusTest) -> None:
    assert bare(one) == bare(other)
    assert one.span == other.span


@pytest.mark.parametrize("times", [1, 2])
def test_shared_tests_are_those_that_are_read_alone(times: int) -> None:
    parts = Parts()
    for path in FILES * times:
        file = SourceFile(path.name, path.read_text(encoding="utf-8"))
        same(parts.read(file), read_litmus(file))
    assert len(parts.columns) > 100


@pytest.mark.herd_suite
@pytest.mark.skipif(not SUITE, reason="MMCHECK_HERD_SUITE does not name a folder of herd tests")
def test_herds_suite_shares_most_columns(herd_suite: Path) -> None:
    parts, columns = Parts(), 0
    for path in sorted(herd_suite.rglob("*.litmus"))[::3]:
        file = SourceFile(path.name, path.read_text(encoding="utf-8"))
        same(parts.read(file), read_litmus(file))
        columns += len(split(file).threads)
    assert columns > 1.5 * len(parts.columns)


OTHERS = [
    made(init=INIT.replace("0:X1=x", "0:X1=y")),
    made(init=INIT + "int64_t z;"),
    made(init=INIT + "x=7;"),
    made(init=INIT + "1:X0=5;"),
    made(rows=ROWS.replace("LDR W2", "LDR X2").replace("STR W0,[X1]", "STR X0,[X1]")),
    made(rows=ROWS.replace("#1", "#2")),
    made(rows=ROWS.replace("| ;", "| DMB SY ;")),
    made(end="forall (x=1)"),
    made(end="exists (1:X0=-1)"),
    made(end="locations [x;] exists (1:X0=1 /\\ 1:X2=0)"),
    made(end="filter (1:X0=1) exists (1:X2=0)"),
    made(init=INIT + "int x[2];"),
    made(init="z=&y; " + INIT),
    made(name="other"),
]


@pytest.mark.parametrize("number", range(len(OTHERS)))
def test_what_differs_is_read_anew(number: int) -> None:
    parts = Parts()
    parts.read(made())
    for _ in range(2):
        same(parts.read(OTHERS[number]), read_litmus(OTHERS[number]))
    same(parts.read(made()), read_litmus(made()))


WRONG = [
    made(end="exists (1:X9=1)"),
    made(end="exists (z=1)"),
    made(end="exists (2:X0=1)"),
    made(rows=ROWS.replace("LDR W2,[X1]", "LDR X2,[X1]")),
    made(init=INIT + "int64_t x;"),
    made(init=INIT + "int x; int x[3];"),
    made(rows=ROWS.replace("| ;", "| B end ;")),
    made(rows=ROWS.replace("| ;", "| STRR W0,[X1] ;")),
    made(rows=ROWS.replace("| ;", "| NOP | NOP ;")),
    made(rows=ROWS.replace("| ;", "|")),
    made(init=INIT + "1:X4=&x[3];"),
    made(init=INIT + "x=99999999999;"),
    made(end=""),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_mistakes_are_found_and_shown_where_they_stand(number: int) -> None:
    parts = Parts()
    parts.read(made(name="first"))
    for name in ("one", "two"):
        file = SourceFile(f"{name}.litmus", WRONG[number].text)
        with pytest.raises(InputError) as alone:
            read_litmus(file)
        with pytest.raises(InputError) as shared:
            parts.read(file)
        shown = [each.render() for each in shared.value.diagnostics]
        assert shown == [each.render() for each in alone.value.diagnostics]
        assert all(each.span is not None and each.span.file is file for each in shared.value.diagnostics)


X86 = """X86_64 {name}
{{ {init} }}
 P0 | P1 ;
 movl $1,(x) | {load} ;
exists (1:eax=1)
"""


def test_what_an_x86_column_means_depends_on_the_locations_of_all() -> None:
    parts = Parts()
    for init, load in (
        ("", "movl (x),%eax"),
        ("", "movl (a),%eax"),
        ("int x;", "movl (x),%eax"),
        ("a=1;", "movl (a),%eax"),
    ):
        file = SourceFile("a.litmus", X86.format(name="a", init=init, load=load))
        same(parts.read(file), read_litmus(file))


def test_orders_of_operands_are_held_against_each_other_across_shared_columns() -> None:
    parts = Parts()
    text = "X86_64 a\n{{ }}\n P0 | P1 ;\n {store} | {load} ;\nexists (x=1)\n"
    last = text.format(store="MOV $1,[x]", load="MOV EAX,[y]")
    both = text.format(store="MOV [x],$1", load="NOP")
    for good in (last, both):
        parts.read(SourceFile("a.litmus", good))
    with pytest.raises(InputError, match="two readings"):
        parts.read(SourceFile("a.litmus", text.format(store="MOV [x],$1", load="MOV EAX,[y]")))


def test_too_many_parts_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    from mmcheck.language.herd import shared

    monkeypatch.setattr(shared, "MOST", 4)
    parts = Parts()
    for number in range(20):
        file = made(rows=ROWS.replace("#1", f"#{number}"), end=f"exists (x={number})")
        same(parts.read(file), read_litmus(file))
        assert len(parts.columns) <= 6
