"""A user's own `.cat` file as a target."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_inputs import Run

SC = '"my SC"\nacyclic po | rf | co | fr as sc\nempty rmw & (fre; coe) as atomic\n'
COHERENCE = '"coherence only"\nacyclic po-loc | rf | co | fr as coherence\n'
NEGATIVE = '"negative"\nacyclic (po \\ (po; [F]; po)) | rf | co | fr as x\n'


@pytest.mark.parametrize("options", ["", "+armv8", "+armv8+lse", "+armv8+rcpc", "+x86-tso"])
def test_a_model_decides(options: str, mmcheck: Run, folder: Path) -> None:
    (folder / "sc.cat").write_text(SC)
    (folder / "weak.cat").write_text(COHERENCE)
    assert mmcheck("verify", "good.litmus", "--target", f"sc.cat{options}").code == 0
    weak = mmcheck("verify", "good.litmus", "--target", f"weak.cat{options}")
    assert weak.code == 1
    assert "violated, claimed to hold" in weak.out


def test_what_the_model_keeps_the_compiler_need_not(mmcheck: Run, folder: Path) -> None:
    """A model of a CPU has the compiler before it; one that names tags of the source is one of the language."""
    (folder / "sc.cat").write_text(SC)
    (folder / "source.cat").write_text(SC + "empty Release & Acquire as kinds\n")
    assert mmcheck("verify", "bad.litmus", "--target", "source.cat").code == 0
    for name in ("sc.cat", "sc.cat+armv8"):
        outcome = mmcheck("verify", "bad.litmus", "--target", name)
        assert outcome.code == 1
        assert "the compiler may reorder" in outcome.out


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
def test_po_in_a_negative_place_and_source_code(engine: str, mmcheck: Run, folder: Path) -> None:
    (folder / "neg.cat").write_text(NEGATIVE)
    refused = mmcheck("verify", "good.litmus", "--target", "neg.cat+armv8", "--engine", engine)
    assert refused.code == 2
    assert "error[MM410]" in refused.out and "neg.cat:2:" in refused.out
    text = (folder / "good.litmus").read_text()
    (folder / "asm.litmus").write_text(text.replace("thread ", "asm thread "))
    accepted = mmcheck("verify", "asm.litmus", "--target", "neg.cat+armv8", "--engine", engine)
    assert accepted.code in (0, 1) and "MM410" not in accepted.out
