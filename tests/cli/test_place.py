"""``mmcheck place``: exit codes, formats, what is written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cli_inputs import Run

MP = """// keep this comment
spec "MP"
targets armv8, x86-tso
memory x
volatile y
requirement seen { says "who sees the flag sees the data" }
thread P0 {
  x = 1
  w: fence(seq_cst)      // too much
  y = 1
}
thread P1 {
  await y == 1
  r: nothing             // too little
  let b = x
  assert b == 1 for seen
}
"""
FIELDS = {
    "file", "targets", "missing", "redundant", "too_strong", "misplaced", "optimum", "cost", "lower_bound", "queries",
    "proved",
}  # fmt: skip


@pytest.fixture
def mp(folder: Path) -> Path:
    path = folder / "mp.litmus"
    path.write_text(MP)
    return path


def test_findings(mmcheck: Run, mp: Path) -> None:
    outcome = mmcheck("place", "mp.litmus")
    assert outcome.code == 1 and outcome.err == ""
    for text in (
        "missing     seen: fence(acquire) at P1.r (line 14)",
        "broken on armv8, by the CPU",
        "broken on x86-tso, by the compiler",
        "too strong  P0.w (line 9): fence(seq_cst); fence(release) is enough on every",
        "cheaper neighbours",
        "-  w: fence(seq_cst)      // too much\n+  w: fence(release)      // too much\n",
        "-  r: nothing             // too little\n+  r: fence(acquire)             // too little\n",
    ):
        assert text in outcome.out
    assert mp.read_text() == MP


def test_json(mmcheck: Run, mp: Path) -> None:
    outcome = mmcheck("place", "mp.litmus", "--format", "json")
    assert outcome.code == 1 and outcome.err == ""
    data = json.loads(outcome.out)
    assert data["schema"] == "mmcheck/1" and data["diagnostics"] == []
    (result,) = data["results"]
    assert result.keys() >= FIELDS
    assert result["file"] == "mp.litmus" and result["targets"] == ["armv8", "x86-tso"]
    assert [(each["requirement"], each["target"], each["layer"]) for each in result["missing"]] == [
        ("seen", "armv8", "hardware"),
        ("seen", "x86-tso", "compiler"),
    ]
    assert result["missing"][0]["counterexample"]["cycle"]
    assert result["missing"][0]["gap"] == [{"site": "P1.r", "word": "fence(acquire)", "line": 14, "column": 6}]
    assert [(each["site"], each["word"], each["enough"]) for each in result["too_strong"]] == [
        ("P0.w", "fence(seq_cst)", "fence(release)")
    ]
    assert result["too_strong"][0]["proof"] == {"armv8": ["P0.w", "P1.r"], "x86-tso": ["P0.w", "P1.r"]}
    assert result["redundant"] == result["misplaced"] == []
    choices = {"P0.w": "fence(release)", "P1.r": "fence(acquire)"}
    assert result["optimum"] == [{"choices": choices, "cost": result["cost"]}]
    assert result["lower_bound"] == result["cost"] and result["proved"] is True
    assert result["verified"] is True and result["neighbours_refuted"] > 0
    assert result["rests_on"] == {"armv8": ["P0.w", "P1.r"], "x86-tso": ["P0.w", "P1.r"]}
    assert sum(result["cost_optimum"].values()) == result["cost"]


def test_write_is_atomic_and_keeps_the_rest(mmcheck: Run, mp: Path, folder: Path) -> None:
    mp.chmod(0o640)
    outcome = mmcheck("place", "mp.litmus", "--write")
    assert outcome.code == 0 and "written: mp.litmus" in outcome.out
    assert mp.read_text() == MP.replace("fence(seq_cst)", "fence(release)").replace("r: nothing", "r: fence(acquire)")
    assert mp.stat().st_mode & 0o777 == 0o640
    assert not [name for name in os.listdir(folder) if name.startswith(".mp")]
    assert mmcheck("verify", "mp.litmus").code == 0
    again = mmcheck("place", "mp.litmus", "--write")
    assert again.code == 0 and "written:" not in again.out


def test_an_optimum_is_left_alone(mmcheck: Run, mp: Path) -> None:
    mp.write_text(MP.replace("fence(seq_cst)", "fence(release)").replace("r: nothing", "r: fence(acquire)"))
    before = mp.stat().st_mtime_ns
    outcome = mmcheck("place", "mp.litmus", "--write")
    assert outcome.code == 0 and "missing" not in outcome.out
    assert mp.stat().st_mtime_ns == before


def test_one_target(mmcheck: Run, mp: Path) -> None:
    data = json.loads(mmcheck("place", "mp.litmus", "--target", "x86-tso", "--format", "json").out)
    (result,) = data["results"]
    assert result["targets"] == ["x86-tso"]
    assert set(result["optimum"][0]["choices"].values()) <= {
        "compiler_fence(seq_cst)", "fence(release)", "fence(acquire)",
    }  # fmt: skip


def test_instructions(mmcheck: Run, mp: Path, folder: Path) -> None:
    outcome = mmcheck("place", "mp.litmus", "--instructions", "--write")
    assert outcome.code == 0
    text = mp.read_text()
    assert "w: on armv8 { dmb(ishst) }; on x86-tso { barrier() }      // too much" in text
    assert mmcheck("verify", "mp.litmus").code == 0


def test_all_sites(mmcheck: Run, folder: Path) -> None:
    bare = MP.replace("  w: fence(seq_cst)      // too much\n", "").replace("r: nothing", "let c = y")
    (folder / "bare.litmus").write_text(bare)
    outcome = mmcheck("place", "bare.litmus", "--sites", "all", "--write")
    assert outcome.code == 0
    assert "  x = 1\n  fence(release)\n  y = 1\n" in (folder / "bare.litmus").read_text()
    assert mmcheck("verify", "bare.litmus").code == 0


def test_fixed_sites_stay(mmcheck: Run, mp: Path) -> None:
    outcome = mmcheck("place", "mp.litmus", "--fix", "P0", "--format", "json")
    (result,) = json.loads(outcome.out)["results"]
    assert list(result["optimum"][0]["choices"]) == ["P1.r"]
    assert result["too_strong"] == []


def test_costs(mmcheck: Run, mp: Path, folder: Path) -> None:
    """Where DMB ISHLD costs more than DMB ISH, the latter is taken."""
    (folder / "costs.toml").write_text('[armv8]\n"dmb ishld" = 500\n"dmb ish" = 1\n')
    outcome = mmcheck("place", "mp.litmus", "--costs", "costs.toml", "--target", "armv8", "--format", "json")
    (result,) = json.loads(outcome.out)["results"]
    assert result["optimum"][0]["choices"]["P1.r"] == "fence(acq_rel)"
    assert result["cost"] < 10
    (folder / "costs.toml").write_text("[armv8]\n'dmb ish' = 'much'\n")
    outcome = mmcheck("place", "mp.litmus", "--costs", "costs.toml")
    assert outcome.code == 2 and "MM017" in outcome.err
    assert "costs.toml:2:1" in outcome.err and "^" in outcome.err
    (folder / "costs.toml").write_text('[armv8]\n"dmb issh" = 1\n')
    outcome = mmcheck("place", "mp.litmus", "--costs", "costs.toml")
    assert outcome.code == 2 and "did you mean 'dmb ish'?" in outcome.err


def test_what_no_barrier_repairs(mmcheck: Run, folder: Path) -> None:
    (folder / "sum.litmus").write_text(
        'spec "sum"\nmemory n\nrequirement sum { forall n == 2 }\nthread t(i in 0..2) { n += 1; here: nothing }\n'
    )
    outcome = mmcheck("place", "sum.litmus")
    assert outcome.code == 1
    assert "nothing at these sites repairs it: the algorithm itself allows it" in " ".join(outcome.out.split())


def test_no_proof_in_time(mmcheck: Run, mp: Path) -> None:
    outcome = mmcheck("place", "mp.litmus", "--timeout", "0.000001", "--format", "json")
    assert outcome.code == 3
    (result,) = json.loads(outcome.out)["results"]
    assert result["proved"] is False and result["reason"] and result["cost"] is None
    outcome = mmcheck("place", "mp.litmus", "--timeout", "0.000001")
    assert outcome.code == 3 and "no right placement costs less than 0" in outcome.out


def test_ctrl_c_reports_the_bound(mmcheck: Run, mp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known when the user gives up is said, in either format; no further file is begun."""
    from mmcheck.placement.oracle import Oracle

    answer = Oracle.refute
    asked: list[int] = []

    def refute(self: Oracle, *args: Any, **kwargs: Any) -> Any:
        asked.append(1)
        if len(asked) > 3:
            raise KeyboardInterrupt
        return answer(self, *args, **kwargs)

    monkeypatch.setattr(Oracle, "refute", refute)
    outcome = mmcheck("place", "mp.litmus", "mp.litmus", "--format", "json")
    assert outcome.code == 130
    (result,) = json.loads(outcome.out)["results"]
    assert result["proved"] is False and result["reason"] == "interrupted" and result["lower_bound"] > 0
    asked.clear()
    outcome = mmcheck("place", "mp.litmus", "--write")
    assert outcome.code == 130 and "no right placement costs less than" in " ".join(outcome.out.split())
    assert mp.read_text() == MP


def test_nothing_to_place(mmcheck: Run, mp: Path, folder: Path) -> None:
    (folder / "plain.litmus").write_text('spec "p"\nmemory x\nrequirement r { forall x == 1 }\nthread t { x = 1 }\n')
    outcome = mmcheck("place", "plain.litmus")
    assert outcome.code == 0 and "no site" in outcome.out
    (folder / "library.litmus").write_text('spec "l"\nmemory x\n')
    assert mmcheck("place", "library.litmus").code == 0
    (folder / "mute.litmus").write_text('spec "m"\nmemory x\nthread t { x = 1; w: fence(release); x = 2 }\n')
    outcome = mmcheck("place", "mute.litmus", "--write")
    assert outcome.code == 2 and "no requirement" in outcome.out
    assert "fence(release)" in (folder / "mute.litmus").read_text()
    (folder / "user.litmus").write_text('include "mp.litmus"\nspec "u"\n')
    outcome = mmcheck("place", "user.litmus", "--sites", "all")
    assert outcome.code == 1 and "no site in this file: what it includes" in outcome.out
    assert "seen: nothing at these sites repairs it" in outcome.out
    outcome = mmcheck("place", "herd/MP.litmus")
    assert outcome.code == 0 and "no sites" in outcome.out


def test_what_is_wrong_is_said(mmcheck: Run, mp: Path, folder: Path) -> None:
    assert mmcheck("place", "nowhere.litmus").code == 2
    assert mmcheck("place", "mp.litmus", "--target", "arm9").code == 2
    assert mmcheck("place", "mp.litmus", "--variant", "none").code == 2
    assert mmcheck("place", "mp.litmus", "--sites", "some").code == 2
    outcome = mmcheck("place", "mp.litmus", "--fix", "P1.rr")
    assert outcome.code == 2 and "did you mean 'P1.r'?" in outcome.out
    (folder / "ugly.litmus").write_text("spec 'x\n")
    outcome = mmcheck("place", "ugly.litmus", "--format", "json")
    assert outcome.code == 2 and json.loads(outcome.out)["diagnostics"][0]["file"] == "ugly.litmus"


def test_a_variant(mmcheck: Run, mp: Path) -> None:
    mp.write_text(MP + 'variant "good" { replace w with fence(release); replace r with fence(acquire) }\n')
    assert mmcheck("place", "mp.litmus", "--variant", "good").code == 0
    assert mmcheck("place", "mp.litmus", "--variant", "base").code == 1


def test_the_text_of_a_variant_is_left_alone(mmcheck: Run, mp: Path) -> None:
    text = MP + 'variant "none" { replace w with nothing }\n'
    mp.write_text(text)
    outcome = mmcheck("place", "mp.litmus", "--variant", "none", "--write")
    assert outcome.code == 1 and "nothing is written" in outcome.out
    assert mp.read_text() == text


def test_a_target_given_twice_is_one(mmcheck: Run, mp: Path) -> None:
    outcome = mmcheck("place", "mp.litmus", "--target", "armv8", "--target", "armv8", "--format", "json")
    (result,) = json.loads(outcome.out)["results"]
    assert result["targets"] == ["armv8"] and len(result["missing"]) == 1


def test_what_nothing_is_checked_of_is_no_success(mmcheck: Run, mp: Path) -> None:
    """Otherwise every barrier would be called redundant without a word."""
    never = MP.replace("await y == 1", "await y == 2")
    mp.write_text(never)
    outcome = mmcheck("place", "mp.litmus", "--write")
    assert outcome.code == 1 and mp.read_text() == never
    assert "vacuous seen: no run comes to where it is checked: no run passes" in " ".join(outcome.out.split())
    outcome = mmcheck("place", "mp.litmus", "--format", "json")
    (result,) = json.loads(outcome.out)["results"]
    assert outcome.code == 1 and list(result["vacuous"]) == ["seen"]
    mp.write_text(never + "expect seen vacuous\n")
    assert mmcheck("place", "mp.litmus", "--write").code == 0


def test_the_compilers_part_alone(mmcheck: Run, mp: Path) -> None:
    """A handler on the same CPU sees its thread's order: what keeps the compiler is enough, and is no instruction."""
    mp.write_text(
        'spec "handler"\ntargets armv8, x86-tso\nmemory data\nvolatile flag\nrequirement seen { says "s" }\n'
        "thread main on cpu 0 { data = 1; w: fence(seq_cst); flag = 1 }\n"
        "interrupt tick on cpu 0, at most 1 { let f = flag; let d = data; assert f == 0 || d == 1 for seen }\n"
    )
    outcome = mmcheck("place", "mp.litmus")
    text = " ".join(outcome.out.split())
    assert outcome.code == 1
    assert "main.w (line 6): fence(seq_cst); compiler_fence(seq_cst) is enough on every target" in text
    assert "compiler_fence(seq_cst) armv8: no instruction; x86-tso: no instruction" in text
    assert mmcheck("place", "mp.litmus", "--write").code == 0
    assert mmcheck("verify", "mp.litmus").code == mmcheck("place", "mp.litmus").code == 0


def test_help(mmcheck: Run) -> None:
    text = mmcheck("place", "--help").out
    options = ("--target", "--sites", "--instructions", "--format", "--write", "--costs", "--fix")
    for word in (*options, "exit codes:", "no proof"):
        assert word in text


def test_a_wait_on_a_plain_read(mmcheck: Run, mp: Path) -> None:
    """No barrier makes it end: said, and the rest is placed all the same."""
    text = MP.replace("volatile y", "memory y").replace("requirement", "requirement ends { progress }\nrequirement", 1)
    mp.write_text(text)
    outcome = mmcheck("place", "mp.litmus")
    assert outcome.code == 1
    assert "ends: 'await y == 1' waits on a plain read" in " ".join(outcome.out.split())


def test_a_site_of_one_target(mmcheck: Run, mp: Path) -> None:
    mp.write_text(MP.replace("  w: fence(seq_cst)      // too much", "  on armv8 { w: dmb(ish) }"))
    data = json.loads(mmcheck("place", "mp.litmus", "--format", "json").out)
    assert data["results"][0]["proved"]


def test_what_no_barrier_repairs_may_be_expected(mmcheck: Run, folder: Path) -> None:
    (folder / "sum.litmus").write_text(
        'spec "sum"\nmemory n\nrequirement sum { forall n == 2 }\nthread t(i in 0..2) { n += 1; here: nothing }\n'
        "expect sum violated\n"
    )
    outcome = mmcheck("place", "sum.litmus")
    assert outcome.code == 0
    assert "as the file expects" in " ".join(outcome.out.split())


def test_frequencies(mmcheck: Run, mp: Path, folder: Path) -> None:
    """A site that is executed a thousand times costs a thousand times."""
    (folder / "costs.toml").write_text("[frequency]\nw = 1000\n")
    outcome = mmcheck("place", "mp.litmus", "--costs", "costs.toml", "--target", "armv8", "--format", "json")
    (result,) = json.loads(outcome.out)["results"]
    assert result["cost"] > 30_000
    (folder / "costs.toml").write_text("[frequency]\nww = 1000\n")
    outcome = mmcheck("place", "mp.litmus", "--costs", "costs.toml")
    assert outcome.code == 1 and "no site is called ww" in outcome.out


def test_the_machine_counts_frequencies(mmcheck: Run, mp: Path, folder: Path) -> None:
    """What `mmcheck run` counts at the sites is what a file of costs takes."""
    mp.write_text(MP.replace("w: fence(seq_cst)      // too much", "repeat 3 { w: fence(seq_cst) }"))
    outcome = mmcheck("run", "mp.litmus", "--target", "armv8", "--runs", "3")
    (line,) = [line for line in outcome.out.splitlines() if line.startswith("  sites")]
    label, times = line.split()[1:]
    assert (label, times) == ("w", "3")
    (folder / "costs.toml").write_text(f"[frequency]\n{label} = {times}\n")
    outcome = mmcheck("place", "mp.litmus", "--costs", "costs.toml", "--target", "armv8", "--format", "json")
    (result,) = json.loads(outcome.out)["results"]
    counted = result["cost_optimum"]
    (result,) = json.loads(mmcheck("place", "mp.litmus", "--target", "armv8", "--format", "json").out)["results"]
    assert counted == result["cost_optimum"]  # the run that the search unrolls does the same


def test_an_expectation_that_will_be_out_of_date_is_named(mmcheck: Run, mp: Path) -> None:
    mp.write_text(MP + "expect seen violated\n")
    outcome = mmcheck("place", "mp.litmus", "--write")
    assert outcome.code == 0
    assert "'expect seen violated' (line 18) is not so with the optimum, on armv8" in outcome.out


def test_line_ends_are_kept(mmcheck: Run, mp: Path) -> None:
    mp.write_bytes(MP.replace("\n", "\r\n").encode())
    assert mmcheck("place", "mp.litmus", "--write").code == 0
    text = mp.read_bytes().decode()
    assert text.count("\r\n") == text.count("\n") == MP.count("\n")
