"""herd's format, got wrong: a diagnostic with line and caret, exit 2, and the other files are decided all the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_inputs import HERD, Run

STORE = " STR W0,[X1] | LDR W2,[X3] ;\n"
LAST = " STR W0,[X3] |             ;\n"


def changed(old: str, new: str) -> str:
    assert HERD.count(old) == 1
    return HERD.replace(old, new)


BAD: dict[str, tuple[str, str, str, str]] = {
    "a column too many": (
        changed(STORE, " STR W0,[X1] | LDR W2,[X3] | NOP ;\n"),
        "MM312",
        "5:2",
        "STR W0,[X1] | LDR W2,[X3] | NOP",
    ),
    "a column too few": (changed(STORE, " STR W0,[X1] ;\n"), "MM312", "5:2", "STR W0,[X1]"),
    "a register that no machine has": (changed("1:X2=0", "1:X42=0"), "MM323", "7:21", "X42"),
    "a register of nobody": (changed("1:X2=0", "1:X9=0"), "MM323", "7:19", "1:X9"),
    "a register of the other thread": (changed("1:X2=0", "1:X1=0 /\\ 0:X2=0"), "MM323", "7:29", "0:X2"),
    "a register of nobody in locations": (changed("exists", "locations [1:W9;] exists"), "MM323", "7:12", "1:W9"),
    "a register of nobody in a filter": (changed("exists", "filter (0:X7=1) exists"), "MM323", "7:9", "0:X7"),
    "a thread that is not there": (changed("1:X2=0", "7:X2=0"), "MM322", "7:19", "7"),
    "a label that does not exist": (changed(LAST, " STR W0,[X3] | CBNZ W0,L9  ;\n"), "MM320", "6:24", "L9"),
    "a backward branch without a way out": (changed(LAST, " STR W0,[X3] | L0: B L0    ;\n"), "MM329", "6:20", "B L0"),
    "an address register without value": (changed("1:X3=x; ", ""), "MM505", "5:16", "LDR W2,[X3]"),
    "an atomic that goes nowhere": (changed("LDR W2,[X3]", "LDADD W0,W2,[X5]"), "MM505", "5:16", "LDADD W0,W2,[X5]"),
    "an index past the end": (changed("LDR W2,[X3]", "LDR W2,[X3,#4]"), "MM505", "5:16", "LDR W2,[X3,#4]"),
    "a location nobody touches": (changed("1:X2=0", "[z]=0"), "MM324", "7:20", "z"),
    "an unknown instruction": (changed("MOV W0,#1", "FROB W0,#1"), "MM301", "4:2", "FROB"),
    "no architecture": (HERD.split("\n", 1)[1], "MM300", "1:1", "{"),
    "cut off in a row": (HERD[: HERD.index("STR W0,[X3]") + 5], "MM313", "6:2", "STR W"),
    "cut off behind the table": (HERD[: HERD.index("exists")], "MM3", "", ""),
    "cut off in the condition": (HERD[: HERD.index(" /\\ 1:X2")], "MM316", "7:15", ""),
    "cut off in the initial state": (HERD[:30], "MM3", "", ""),
    "an open comment": (changed("{ 0:X1", "(* { 0:X1"), "MM3", "", ""),
    "two tests": (HERD + HERD, "MM315", "8:1", "AArch64"),
    "nothing": ("", "MM300", "1:1", ""),
    "a zero byte": (changed("MOV W0,#1", "MOV\0W0,#1"), "MM003", "", ""),
}
"""Text, code, line and column, what the carets mark (all of it stands above them)."""


@pytest.mark.parametrize("engine", ["auto", "smt"])
@pytest.mark.parametrize("what", BAD)
def test_a_diagnostic_and_the_others_go_on(what: str, engine: str, mmcheck: Run, folder: Path) -> None:
    text, code, place, marked = BAD[what]
    (folder / "herd" / "A.litmus").write_text(text)  # before MP.litmus, which is good
    (folder / "herd" / "Z.litmus").write_text(HERD.replace("AArch64 MP", "AArch64 Z"))
    outcome = mmcheck("litmus", "herd", "--engine", engine)
    assert outcome.code == 2
    lines = outcome.out.splitlines()
    assert lines[-2:] == ["Observation MP Sometimes", "Observation Z Sometimes"]
    assert lines[0].startswith(f"error[{code}")
    assert lines[1].startswith(f" --> herd/A.litmus:{place}" if place else " --> herd/A.litmus")
    assert "Traceback" not in outcome.out + outcome.err
    if place:
        line, column = map(int, place.split(":"))
        shown = next(i for i, each in enumerate(lines) if each.startswith(f"{line} |"))
        assert lines[shown].removeprefix(f"{line} | ") == text.splitlines()[line - 1] if text else True
        carets = re.search(r"\^+", lines[shown + 1])
        assert carets is not None
        assert carets.start() == len(f"{line} | ") + column - 1
        if marked:
            assert lines[shown][carets.start() : carets.end()] == marked


def test_every_wrong_file_is_reported(mmcheck: Run, folder: Path) -> None:
    for number, (text, *_) in enumerate(BAD.values()):
        (folder / "herd" / f"bad{number:02}.litmus").write_text(text)
    outcome = mmcheck("litmus", "herd")
    assert outcome.code == 2
    assert outcome.out.splitlines()[0] == "Observation MP Sometimes"
    assert set(re.findall(r"--> herd/bad(\d+)", outcome.out)) == {f"{number:02}" for number in range(len(BAD))}


@pytest.mark.parametrize("how", ["CRLF", "UTF-8"])
def test_places_are_right_whatever_the_text_is_made_of(how: str, mmcheck: Run, folder: Path) -> None:
    """Lines that end with CRLF; comments with letters of several bytes, on a line of their own."""
    expected = {}
    for number, (text, code, place, _) in enumerate(BAD.values()):
        text = (
            text.replace("\n", "\r\n") if how == "CRLF" else text.replace("AArch64 MP\n", "AArch64 MP (* größer *)\n")
        )
        if place and text:
            (folder / "herd" / f"bad{number:02}.litmus").write_bytes(text.encode())
            expected[f"bad{number:02}"] = (code, place)
    out = mmcheck("litmus", "herd").out
    found = re.findall(r"^error\[(MM\d+)\].*\n --> herd/(bad\d+)\.litmus:(\d+:\d+)", out, re.MULTILINE)
    first = {name: (code, place) for code, name, place in reversed(found)}
    assert len(expected) > 12 and first == expected


def test_a_caret_under_tabs(mmcheck: Run, folder: Path) -> None:
    """A tab is shown as four columns, in the excerpt and before the carets."""
    (folder / "herd" / "A.litmus").write_text(changed(STORE, "\tSTR W0,[X1]\t|\tLDRR W2,[X3] ;\n"))
    lines = mmcheck("litmus", "herd").out.splitlines()
    assert lines[1] == " --> herd/A.litmus:5:16"
    shown = next(i for i, each in enumerate(lines) if each.startswith("5 |"))
    caret = lines[shown + 1].index("^")
    assert lines[shown][caret : caret + 4] == "LDRR"


def test_verify_takes_them_the_same_way(mmcheck: Run, folder: Path) -> None:
    (folder / "herd" / "A.litmus").write_text(BAD["a column too many"][0])
    outcome = mmcheck("verify", "herd")
    assert outcome.code == 2
    assert "error[MM312]" in outcome.out


GOOD = {
    "CRLF": HERD.replace("\n", "\r\n"),
    "tabs": HERD.replace(" | ", "\t|\t").replace("; 0", ";\t0"),
    "UTF-8 in a comment": HERD.replace("{ 0:X1", "(* größer → 日本語 *)\n{ 0:X1"),
    "a byte order mark": "\ufeff" + HERD,
    "no newline at the end": HERD.rstrip("\n"),
    "blank lines": HERD.replace(" P0 ", "\n\n P0 ") + "\n\n",
    "a comment at the end": HERD + "(* that is all *)\n",
}


@pytest.mark.parametrize("what", GOOD)
def test_not_bad_at_all(what: str, mmcheck: Run, folder: Path) -> None:
    (folder / "herd" / "MP.litmus").write_bytes(GOOD[what].encode())
    outcome = mmcheck("litmus", "herd")
    assert (outcome.out, outcome.code) == ("Observation MP Sometimes\n", 0)


def test_a_text_that_is_no_utf_8(mmcheck: Run, folder: Path) -> None:
    (folder / "herd" / "A.litmus").write_bytes(HERD.replace("{ 0:X1", "(* größer *)\n{ 0:X1").encode("latin-1"))
    outcome = mmcheck("litmus", "herd")
    assert outcome.code == 2
    assert " --> herd/A.litmus:2:6" in outcome.out
    assert outcome.out.splitlines()[-1] == "Observation MP Sometimes"


LOOP = HERD.replace("| LDR W0,[X1] ;", "| L0: LDR W0,[X1] ;").replace(LAST, " STR W0,[X3] | CBZ W0,L0 ;\n")


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
def test_a_backward_branch_is_a_loop_up_to_the_bound_and_says_so(engine: str, mmcheck: Run, folder: Path) -> None:
    (folder / "herd" / "MP.litmus").write_text(LOOP)
    outcome = mmcheck("litmus", "herd", "--engine", engine)
    assert (outcome.out, outcome.code) == ("Observation MP Sometimes\n", 0)
    assert "loops were cut at the bound of 2" in outcome.err


def test_a_location_of_the_initial_state_only(mmcheck: Run, folder: Path) -> None:
    """Declared is enough: its value is the initial one."""
    text = HERD.replace("{ 0:X1", "{ z=3; 0:X1").replace("1:X2=0", "1:X2=0 /\\ [z]=3")
    (folder / "herd" / "MP.litmus").write_text(text)
    assert mmcheck("litmus", "herd").out == "Observation MP Sometimes\n"


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
def test_a_test_in_which_no_run_ends_says_so(engine: str, mmcheck: Run, folder: Path) -> None:
    """A loop that is left by no run within the bound leaves nothing to speak of."""
    loop = HERD.replace("| LDR W0,[X1] ;", "| L0: MOV W5,#0 ;").replace(LAST, " STR W0,[X3] | CBZ W5,L0 ;\n")
    (folder / "herd" / "MP.litmus").write_text(loop.replace("1:X0=1", "0:X0=1").replace("exists", "~exists"))
    for command in ("litmus", "verify"):
        outcome = mmcheck(command, "herd", "--engine", engine)
        assert outcome.code == 3
        assert "no run comes to an end" in outcome.out + outcome.err
        assert "loops were cut at the bound of 2" in outcome.out + outcome.err


@pytest.mark.parametrize("engine", ["smt", "enumerate", "auto"])
def test_an_access_outside_that_the_model_forbids_is_none(engine: str, mmcheck: Run, folder: Path) -> None:
    """The pointer is null where the flag is not seen, and only there: a run that goes wrong must be one that exists."""
    text = """AArch64 P
{ int64_t x; int64_t p; 0:X1=x; 0:X3=p; 1:X1=p; 1:X4=x; }
 P0          | P1          ;
 MOV X0,#1   | LDR X0,[X1] ;
 STR X0,[X1] | CBZ X0,out  ;
 DMB SY      | LDR X2,[X0] ;
 STR X1,[X3] | out:        ;
exists (1:X0=x /\\ 1:X2=0)
"""
    (folder / "herd" / "MP.litmus").write_text(text)
    assert mmcheck("litmus", "herd", "--engine", engine).out == "Observation P Never\n"
    (folder / "herd" / "MP.litmus").write_text(text.replace("CBZ X0,out", "NOP"))
    outcome = mmcheck("litmus", "herd", "--engine", engine)
    assert outcome.code == 2 and "'LDR X2,[X0]' may access memory outside every location" in outcome.out
