"""Threads that are the same in several tests are worked out once, and nobody can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmcheck.base.records import fields, replace
from mmcheck.base.source import SourceFile
from mmcheck.engines.enumeration import layout
from mmcheck.engines.enumeration import memory as memories
from mmcheck.engines.enumeration.enumerate import Enumeration, final_states
from mmcheck.engines.enumeration.memory import Memory
from mmcheck.events.relations import Rel
from mmcheck.ir.program import Thread
from mmcheck.language.herd.read import LitmusTest, read_litmus
from mmcheck.model import concrete
from mmcheck.model.concrete import Frame
from mmcheck.model.model import Model, load_model
from mmcheck.target.targets import of_herd
from mmcheck.verdict.litmus import decide

LITMUS = Path(__file__).resolve().parents[2] / "litmus"
MP = """AArch64 {name}
{{ {init} }}
 P0          | P1          ;
 MOV W1,#1   | LDR W1,[X0] ;
 STR W1,[X2] | {order:11} ;
 {order:11} | LDR W3,[X2] ;
 STR W1,[X0] |             ;
exists (1:X1=1 /\\ 1:X3=0)
"""
PLACES = "int x; int y; 0:X0=y; 0:X2=x; 1:X0=y; 1:X2=x;"


def mp(name: str = "MP", init: str = PLACES, order: str = "DMB SY") -> LitmusTest:
    return read_litmus(SourceFile(f"{name}.litmus", MP.format(name=name, init=init, order=order)))


def bare(thread: Thread) -> list[object]:
    """The statements, places in the text apart."""
    return [(type(s), [getattr(s, entry.name) for entry in fields(s) if entry.name != "origin"]) for s in thread.body]


def herd_tests() -> list[Path]:
    found = [path for path in sorted(LITMUS.rglob("*.litmus")) if path.read_text().startswith(("AArch64", "X86"))]
    assert len(found) > 20
    return found


def test_equal_keys_mean_equal_statements() -> None:
    seen: dict[object, list[object]] = {}
    again = 0
    for path in herd_tests():
        test = read_litmus(SourceFile(str(path), path.read_text()))
        for key, thread in zip(test.keys, test.program.threads, strict=True):
            again += key in seen
            assert seen.setdefault(key, bare(thread)) == bare(thread), path
    assert again > 5


def test_what_the_text_of_a_column_does_not_say_is_in_its_key() -> None:
    assert mp("A").keys == mp("B").keys
    assert mp().keys[0] != mp(order="DMB ST").keys[0]
    assert mp().keys != mp(init=PLACES.replace("0:X0=y; 0:X2=x;", "0:X0=x; 0:X2=y;")).keys
    assert mp().keys[1] != mp(init=PLACES + "1:X3=5;").keys[1]
    array = "AArch64 a\n{{ {kind} x[4]; 0:X0=&x[1]; }}\n P0 ;\n LDR {reg}1,[X0] ;\nexists (0:X1=0)\n"
    first, second = (
        read_litmus(SourceFile("a.litmus", array.format(kind=kind, reg=reg)))
        for kind, reg in (("int", "W"), ("int64_t", "X"))
    )
    assert [key[1:2] for key in first.keys] != [key[1:2] for key in second.keys]
    x86 = "X86_64 a\n{{ {init} }}\n P0 ;\n mov{suffix} $1,(x) ;\nexists (x=1)\n"
    one = read_litmus(SourceFile("a.litmus", x86.format(init="a=0;", suffix="l")))
    other = read_litmus(SourceFile("a.litmus", x86.format(init="", suffix="l")))
    assert bare(one.program.threads[0]) != bare(other.program.threads[0])
    assert one.keys != other.keys


@pytest.mark.parametrize("bound", [1, 2])
def test_states_are_those_without_memory(bound: int) -> None:
    memory = Memory()
    for path in herd_tests()[::3]:
        test = read_litmus(SourceFile(str(path), path.read_text()))
        model = load_model(of_herd(test.arch))
        states = [
            final_states(Enumeration(test.program, model, bound, settle=True, keys=keys, memory=memory).runs())
            for keys in ((), test.keys, test.keys)
        ]
        assert states[0] == states[1] == states[2], path


def test_what_is_kept_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit all is forgotten, and the answers stay the same."""
    monkeypatch.setattr(memories, "MOST", 50)
    memory, sizes = Memory(), []
    for path in herd_tests()[::6]:
        test = read_litmus(SourceFile(str(path), path.read_text()))
        model = load_model(of_herd(test.arch))
        found = Enumeration(test.program, model, settle=True, keys=test.keys, memory=memory)
        before = memory.branches + len(memory.codes)
        assert final_states(found.runs()) == final_states(Enumeration(test.program, model, settle=True).runs()), path
        assert before <= 50
        assert memory.branches == sum(paths.size for paths in memory.paths.values())
        sizes.append(before)
    assert sizes.count(0) > 1  # it was forgotten on the way


def test_an_access_astray_is_shown_where_it_stands() -> None:
    text = "AArch64 {name}\n{{ int x; 0:X0=x; }}\n P0 ;\n LDR W1,[X0,#64] ;\nexists (0:X1=0)\n"
    files = [SourceFile(f"{name}.litmus", text.format(name=name)) for name in ("first", "second")]
    for file, outcome in zip(files, decide(files, engine="enumerate"), strict=True):
        (diagnostic,) = outcome.diagnostics
        assert diagnostic.code == "MM505" and diagnostic.span is not None
        assert diagnostic.span.file.path == file.path


def test_a_limit_names_the_thread_that_is_meant() -> None:
    body = "\n".join(f" LDR W{i},[X0] | MOV W1,#{i} ;\n | STR W1,[X0] ;" for i in range(1, 3))
    test = read_litmus(
        SourceFile("a.litmus", f"AArch64 a\n{{ int x; 0:X0=x; 1:X0=x; }}\n P0 | P1 ;\n{body}\nexists (0:X1=1)\n")
    )
    memory = Memory()
    search = Enumeration(test.program, load_model("armv8"), settle=True, keys=test.keys, memory=memory)
    assert [len(of) for of in search.traces()] == [9, 1]
    other = replace(test.program, threads=tuple([replace(t, name=f"T{t.name}") for t in test.program.threads]))
    again = Enumeration(other, load_model("armv8"), settle=True, keys=test.keys, memory=memory)
    assert [run.final for run in search.runs()] != [run.final for run in again.runs()]
    assert {name for run in again.runs() for name in run.final if name.startswith("T0:")}


def allowed(test: LitmusTest, model: str, *, joined: bool = True) -> list[tuple[object, ...]]:
    search = Enumeration(test.program, load_model(model), settle=True)
    search._plain = search._plain and joined
    return [(run.candidate.rf, run.candidate.co) for run in search.runs()]


@pytest.mark.parametrize("model", ["armv8", "x86-tso", "sc"])
def test_what_is_not_evaluated_makes_no_difference(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty parts of a model, and coherence where the choices of rf and co are coherent, are left out; what a model
    says of one thread is put together."""
    tests = [read_litmus(SourceFile(str(path), path.read_text())) for path in herd_tests()[1::3]]
    short = [allowed(test, model) for test in tests]

    def whole(model: Model, n: int, sets: dict[str, int], static: dict[str, Rel], *, coherent: bool) -> Frame:
        model.pool.plans.clear()
        return Frame(model, n, sets, static)

    monkeypatch.setattr(layout, "Frame", whole)
    monkeypatch.setattr(concrete, "is_empty", lambda node, present, empty: False)
    assert [allowed(test, model, joined=False) for test in tests] == short
    load_model(model).pool.plans.clear()
