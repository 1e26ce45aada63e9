"""Interrupt handlers, memory per CPU and migration: verdicts of small specifications, and what is refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from mmcheck.__main__ import main
from mmcheck.report.draw.text import render_text
from mmcheck.report.pictures import scene
from mmcheck.verdict.question import Question
from mmcheck.verdict.results import Result
from mmcheck.verdict.verify import verify_file

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "tests" / "data" / "interrupts").glob("*.litmus")), ROOT / "specs" / "preempt.litmus"]
HEAD = 'spec "s" targets x86-tso, armv8\nmemory x\nprivate mine = 0\npercpu c { n }\n'


@cache
def results(path: Path) -> tuple[Result, ...]:
    report = verify_file(str(path), Question())
    assert report.diagnostics == ()
    return report.results


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_verdicts(path: Path) -> None:
    wrong = [
        f"{one.variant}: {one.requirement} on {one.target} is {one.verdict} by {one.layer}"
        for one in results(path)
        if one.verdict != one.expected or one.expected_layer not in (None, one.layer)
    ]
    assert wrong == []


SHARED = """spec "a function raises an interrupt, for a device and for a CPU" targets armv8
memory data, other
requirement either { says "a device's interrupt comes behind its writes, a CPU's need not" }
fn send() { smp_wmb(); raise ipi }
thread sender on cpu 0 { data.write_volatile(7); send() }
device other_sender { await data.read_volatile() == 7; other.write_volatile(9); send() }
thread receiver on cpu 1 { nothing }
interrupt ipi on cpu 1, when raised, at most 2 {
  let o = other.read_volatile()
  let d = data.read_volatile()
  assert o == 9 || d == 7 for either
}
expect either violated by hardware
variant "the device alone" { override thread sender on cpu 0 { data.write_volatile(7) }; expect either holds }
"""


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
def test_who_raises_an_interrupt_decides_what_orders_it(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "shared.litmus"
    path.write_text(SHARED)
    report = verify_file(str(path), Question(engine=engine))
    assert report.diagnostics == ()
    assert [one.as_claimed for one in report.results] == [True, True]


def test_rows_of_the_seed() -> None:
    """Every claim about preemption has a variant; the others are the base."""
    titles = {one.variant for one in results(ROOT / "specs" / "preempt.litmus")}
    rows = {title.split(":")[0] for title in titles if title is not None}
    assert rows == {"T1", "T2", "T3", "T4", "T5", "T6", "T9", "T10"}


def test_pictures_have_a_box_for_the_handler() -> None:
    found = [one for one in results(ROOT / "specs" / "preempt.litmus") if one.verdict == "violated"]
    assert found
    for one in found:
        picture = scene(one)
        assert picture is not None
        assert all(lane.kind != "interrupt" for lane in picture.lanes)
        ran = {agent.name for agent in one.counterexample.execution.threads if agent.kind == "interrupt"}  # type: ignore[union-attr]
        boxes = {name for node in picture.nodes for name in node.inside}
        assert boxes <= ran
        text = render_text(picture, 120)
        assert all(f"{name} interrupts" in text and f"{name} returns" in text for name in boxes)


def test_a_handler_that_hangs_stands_on_the_thread_that_it_holds_up() -> None:
    """Whether or not the thread has done anything by then."""
    found = [
        one for one in results(ROOT / "tests" / "data" / "interrupts" / "hang.litmus") if one.verdict == "violated"
    ]
    assert found
    for one in found:
        picture = scene(one)
        assert picture is not None
        assert "task" in {lane.name for lane in picture.lanes}
        assert all(lane.kind != "interrupt" for lane in picture.lanes)
        assert any(name for node in picture.nodes for name in node.inside)


REFUSED = {
    "no thread": ("thread t { x = 1 }\ninterrupt i on cpu 0 { x = 2 }", "MM250"),
    "no CPU": ("thread t on cpu 0 { x = 1 }\ninterrupt i { x = 2 }", "MM250"),
    "runs": ("thread t on cpu 0 { x = 1 }\ninterrupt i on cpu 0, at most 99 { x = 2 }", "MM250"),
    "not raised": ("thread t on cpu 0 { raise i }\ninterrupt i on cpu 0 { x = 2 }", "MM250"),
    "memory of no CPU": ("thread t { this_cpu_inc(c.n) }", "MM250"),
    "two that nest": (
        "thread t on cpu 0 { x = 1 }\ninterrupt i on cpu 0, nests { x = 2 }\ninterrupt j on cpu 0, nests { x = 3 }",
        "MM250",
    ),
    "enables once more": (
        "thread t on cpu 0 { x = 1 }\ninterrupt i on cpu 0 { irq_disable(); irq_enable(); irq_enable() }", "MM253",
    ),
    "enables": ("thread t on cpu 0 { x = 1 }\ninterrupt i on cpu 0 { irq_enable() }", "MM253"),
    "two that enable": (
        "thread t on cpu 0 { x = 1 }\n"
        "interrupt i on cpu 0 { irq_disable(); irq_enable() }\ninterrupt j on cpu 0 { irq_disable(); irq_enable() }",
        "MM250",
    ),
    "moves itself": (
        "thread t on cpu 0 { irq_disable(); migrate(1); irq_enable() }\ninterrupt i on cpu 0 { x = 2 }", "MM251",
    ),
    "CPU number": ("thread t on cpu 0 { x = 1 }\ninterrupt i on cpu 0 { migrate(99) }", "MM251"),
    "current outside": ("thread t on cpu 0 { let a = current.mine }\ninterrupt i on cpu 0 { x = 2 }", "MM252"),
    "current memory": ("thread t on cpu 0 { x = 1 }\ninterrupt i on cpu 0 { let a = current.x }", "MM252"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    code, expected = REFUSED[name]
    path = tmp_path / "bad.litmus"
    path.write_text(f"{HEAD}{code}\nforall x <= 3\n", encoding="utf-8")
    report = verify_file(str(path), Question())
    assert {one.code for one in report.diagnostics} == {expected}, report


SWITCHES = {
    "twice": ("irq_disable(); irq_enable(); irq_enable()", False),
    "a pair": ("irq_disable(); irq_enable(); x = 2", True),
    "two pairs": ("irq_disable(); irq_enable(); irq_disable(); irq_enable()", True),
    "instruction": ('asm("sti")', False),
    "one arm": ("if x.load(relaxed) == 1 { irq_disable() }\n irq_enable()", False),
    "both arms": ("if x.load(relaxed) == 1 { irq_disable() } else { irq_disable() }\n irq_enable()", True),
    "an arm that returns": ("if x.load(relaxed) == 1 { irq_disable(); return }\n irq_enable()", False),
    "second round": ("irq_disable(); repeat 3 { irq_enable() }", False),
    "each round": ("repeat 3 { irq_disable(); irq_enable() }", True),
    "last round": ("irq_disable(); repeat 3 { if x.load(relaxed) == 1 { irq_enable(); break } }", True),
    "some rounds": ("irq_disable(); repeat 3 { if x.load(relaxed) == 1 { irq_enable() } }", False),
    "restored": ("let f = irq_save(); let g = irq_save(); irq_restore(g); irq_restore(f)", True),
    "restored in functions": ("let f = leave(); back(f)", True),
    "restored from a private": ("was = irq_save(); irq_restore(was)", True),
    "restored, then enabled": ("let f = irq_save(); irq_restore(f); irq_enable()", False),
    "restored to on": ("irq_restore(false)", False),
    "in a function": ("on()", False),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_each_enable_has_its_disable(name: str, tmp_path: Path) -> None:
    body, fine = SWITCHES[name]
    path = tmp_path / "switches.litmus"
    path.write_text(
        'spec "s" targets x86-tso\nmemory x\nprivate was = false\n'
        "fn leave() -> bool { return irq_save() }\nfn back(f: bool) { irq_restore(f) }\nfn on() { irq_enable() }\n"
        f"thread t on cpu 0 {{ x.store(1, relaxed) }}\ninterrupt i on cpu 0 {{ {body} }}\nforall x <= 2\n",
        encoding="utf-8",
    )
    report = verify_file(str(path), Question())
    assert {one.code for one in report.diagnostics} == (set() if fine else {"MM253"}), report


def test_what_the_machines_do_not_run_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    idle = str(ROOT / "tests" / "data" / "interrupts" / "idle.litmus")
    assert main(["run", idle, "--runs", "1", "--variant", "base", "--target", "x86-tso"]) == 2
    assert "MM021" in capsys.readouterr().err
    assert main(["run", idle, "--runs", "1", "--target", "x86-tso"]) == 3
    shown = capsys.readouterr().out
    assert "idle.litmus, base, x86-tso: not run: the machines do not run: handler of several threads" in shown
    assert "it stays, x86-tso: 1 runs" in shown and "every run allowed by the model" in shown


def test_every_variant_of_the_preemption_counter_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    assert main(["run", str(ROOT / "specs" / "preempt.litmus"), "--runs", "3", "--trace", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "T5: migration between pointer and increment, armv8: 3 runs" in shown and "not run" not in shown
    assert main(["trace", str(path)]) == 0
    assert "allowed by" in capsys.readouterr().out


def test_what_only_a_compiler_breaks_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(ROOT / "specs" / "virtqueue.litmus")
    assert main(["run", path, "--runs", "1", "--variant", "before", "--target", "x86-tso"]) == 0
    shown = capsys.readouterr().out
    assert "status_seen: the file expects the compiler to break it; a machine runs the text as it stands" in shown


ANSWERED = {
    "enables what is on": ("interrupt i on cpu 0, nests { irq_enable(); x = 2 }", "holds"),
    "enables its own": ("interrupt i on cpu 0 { irq_disable(); irq_enable(); x = 2 }", "holds"),
    "restores": ("interrupt i on cpu 0 { let f = irq_save(); irq_restore(f); x = 2 }", "holds"),
    "waits for its host": ("interrupt i on cpu 0 { await x == 3 }", "violated"),
    "moves masked": ("interrupt i on cpu 0 { irq_disable(); migrate(1) }", "holds"),
    "moves away and back": ("interrupt i on cpu 0 { migrate(1) }\ninterrupt j on cpu 1 { migrate(0) }", "holds"),
    "moves where it is": ("interrupt i on cpu 0 { migrate(0) }", "holds"),
    "moved into interrupts off": (
        "thread u on cpu 1 { irq_disable(); x = 1; irq_enable() }\ninterrupt i on cpu 0 { migrate(1) }", "holds",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERED)
def test_odd_handlers_are_answered(name: str, tmp_path: Path) -> None:
    """A diagnostic or a verdict, never a crash."""
    code, expected = ANSWERED[name]
    path = tmp_path / "odd.litmus"
    head = f"{HEAD}requirement r {{ progress }}\nthread t on cpu 0 {{ x.store(1, relaxed) }}\n"
    path.write_text(f"{head}{code}\n", encoding="utf-8")
    report = verify_file(str(path), Question())
    found = {one.code for one in report.diagnostics} or {one.verdict for one in report.results}
    assert found == {expected}, report


GUARD = """spec "s" targets x86-tso
memory a, b
percpu c { n }
requirement r { %s }
thread one on cpu 0 {
  this_cpu_inc(c.n)
  %s
  this_cpu_dec(c.n)
}
thread two on cpu %d { %s }
"""
GUARDED = {
    "stopped": ('says "both or none"', "a.store(1, relaxed); b.store(1, relaxed)", 0,
                "let x = a.load(relaxed); let y = b.load(relaxed); assert x == y for r", "violated", "stopped for two"),
    "over before": ("forall b == 0", "nothing", 0, "b.store(1, relaxed)", "violated", ""),
    "elsewhere": ('says "both or none"', "a.store(1, relaxed); b.store(1, relaxed)", 1,
                  "let x = a.load(relaxed); let y = b.load(relaxed); assert x == y for r", "violated", ""),
    "waits": ("progress", "await a.load(acquire) == 1", 0, "a.store(1, release)", "holds", "lets the other threads"),
    "waits elsewhere": ("progress", "await a.load(acquire) == 1", 1, "a.store(1, release)", "holds", ""),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
@pytest.mark.parametrize("name", GUARDED)
def test_a_guard_in_memory_that_the_scheduler_is_not_known_to_obey_is_said(
    name: str, engine: str, tmp_path: Path
) -> None:
    check, inside, cpu, other, verdict, note = GUARDED[name]
    path = tmp_path / "guard.litmus"
    path.write_text(GUARD % (check, inside, cpu, other), encoding="utf-8")
    (result,) = verify_file(str(path), Question(engine=engine)).results
    assert result.verdict == verdict
    assert ("in memory" in " ".join(result.notes)) == bool(note)
    assert note in " ".join(result.notes)
