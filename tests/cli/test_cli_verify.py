"""``mmcheck verify``: formats, files, pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_inputs import HERD, MESSAGE, Run


def test_json_and_nothing_else(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "good.litmus", "bad.litmus", "--format", "json")
    data = json.loads(outcome.out)
    assert outcome.code == 1 and outcome.err == ""
    assert [(r["file"], r["target"], r["as_claimed"]) for r in data["results"]] == [
        ("good.litmus", "armv8", True),
        ("good.litmus", "x86-tso", True),
        ("bad.litmus", "armv8", False),
        ("bad.litmus", "x86-tso", False),
    ]
    assert [r["layer"] for r in data["results"]] == [None, None, "hardware", "compiler"]
    cycle = data["results"][2]["counterexample"]["cycle"]
    assert [hop["relation"] for hop in cycle if not hop["ordered"]] == ["po"]


def test_json_of_a_broken_file(mmcheck: Run, folder: Path) -> None:
    (folder / "ugly.litmus").write_text("spec 'x\n")
    outcome = mmcheck("verify", "ugly.litmus", "--format", "json")
    assert outcome.code == 2
    assert json.loads(outcome.out)["diagnostics"][0]["file"] == "ugly.litmus"
    assert "ugly.litmus:1:" in outcome.err


def test_concise(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "good.litmus", "bad.litmus", "--format", "concise")
    lines = outcome.out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("bad.litmus:13:5: violated seen [base] on armv8: claimed to hold; ")


def test_target_and_base(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "bad.litmus", "--target", "sc", "--variant", "base")
    assert outcome.code == 0
    assert "on sc" in outcome.out


def test_a_folder_is_searched(mmcheck: Run, folder: Path) -> None:
    (folder / "specs" / "deep").mkdir(parents=True)
    (folder / "specs" / ".hidden").mkdir()
    for name in ("b.litmus", "deep/a.litmus", ".hidden/c.litmus", "d.txt"):
        (folder / "specs" / name).write_text(MESSAGE)
    outcome = mmcheck("verify", "specs", "--format", "json", "--target", "sc")
    assert [r["file"] for r in json.loads(outcome.out)["results"]] == ["specs/b.litmus", "specs/deep/a.litmus"]


@pytest.mark.parametrize("command", ["verify", "litmus", "place", "doc"])
def test_an_empty_folder_is_no_success(mmcheck: Run, folder: Path, command: str) -> None:
    (folder / "empty" / ".hidden").mkdir(parents=True)
    (folder / "empty" / ".hidden" / "a.litmus").write_text(MESSAGE)
    outcome = mmcheck(command, "empty", *(["-o", "site"] if command == "doc" else []))
    assert outcome.code == 2
    assert (
        "MM024" in outcome.out + outcome.err and "there is no *.litmus file in this folder" in outcome.out + outcome.err
    )
    outcome = mmcheck("verify", "empty", "good.litmus", "--format", "concise")
    assert outcome.code == 2 and outcome.out.startswith("empty: MM024")


def test_libraries_alone_are_no_success(mmcheck: Run, folder: Path) -> None:
    (folder / "lib.litmus").write_text("memory x\nfn f() { x = 1 }\n")
    for _ in range(2):
        outcome = mmcheck("verify", "lib.litmus")
        assert outcome.code == 2 and "nothing is checked: a library has no threads of its own" in outcome.out
    assert mmcheck("verify", "lib.litmus", "good.litmus").code == 0
    assert mmcheck("verify", "lib.litmus", "--includers").code == 0


def test_threads_of_which_nothing_is_required_are_no_success(mmcheck: Run, folder: Path) -> None:
    (folder / "mute.litmus").write_text("memory x\nthread P { x = 1 }\n")
    for _ in range(2):
        outcome = mmcheck("verify", "mute.litmus", "--format", "concise")
        assert (outcome.code, outcome.out) == (
            2,
            "mute.litmus: MM256 no requirement: nothing is checked"
            " (write a requirement, and an 'assert … for' it, or a 'forall')\n",
        )


def test_a_variant_that_changes_nothing_is_a_warning(mmcheck: Run, folder: Path) -> None:
    (folder / "same.litmus").write_text(
        MESSAGE
        + """variant "the same" { replace publish with fence(release) }
variant "weaker" { drop publish; expect seen violated }
variant "weaker, again" from "weaker" {
  override thread writer { data = 1; flag.store(1, relaxed) }
  expect seen violated
}
variant "less" { without seen; requirement both { forall data == 1 } }
"""
    )
    for _ in range(2):
        outcome = mmcheck("verify", "same.litmus")
        assert outcome.code == 0
        assert "warning[MM257]: the variant 'the same' changes nothing: it is the program as written" in outcome.out
        assert "warning[MM257]: the variant 'weaker, again' changes nothing: it is 'weaker'" in outcome.out
        assert outcome.out.count("MM257") == 2
    outcome = mmcheck("verify", "same.litmus", "--format", "github")
    assert outcome.code == 0 and outcome.out.count("::warning") == 2
    outcome = mmcheck("verify", "same.litmus", "--variant", "nope")
    assert outcome.code == 2 and "nope" in outcome.err


def test_absolute_paths_are_shown_relative(mmcheck: Run, folder: Path) -> None:
    outcome = mmcheck("verify", str(folder / "good.litmus"), "--format", "json")
    assert {r["file"] for r in json.loads(outcome.out)["results"]} == {"good.litmus"}


def test_output_goes_to_the_file(mmcheck: Run, folder: Path) -> None:
    outcome = mmcheck("verify", "good.litmus", "--format", "json", "--output", "report.json")
    assert (outcome.code, outcome.out) == (0, "")
    assert json.loads((folder / "report.json").read_text())["schema"] == "mmcheck/1"
    assert list(folder.glob(".report*")) == []


def test_output_that_cannot_be_written_is_2(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "good.litmus", "--output", "no/such/folder/x")
    assert outcome.code == 2
    assert "MM011" in outcome.err


def test_graphs(mmcheck: Run, folder: Path) -> None:
    outcome = mmcheck("verify", "bad.litmus", "--graphs", "pictures", "--target", "armv8")
    assert outcome.code == 1
    names = sorted(path.name for path in (folder / "pictures").iterdir())
    assert names == ["bad--base--seen--armv8.dot", "bad--base--seen--armv8.svg"]
    assert outcome.err == "mmcheck: 1 picture as .dot and .svg, in pictures\n"


def test_a_herd_test_is_a_question(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "herd")
    assert outcome.code == 0
    assert "allowed" in outcome.out


def test_colour_only_where_wanted(mmcheck: Run) -> None:
    assert "\x1b" not in mmcheck("verify", "bad.litmus").out
    assert "\x1b" in mmcheck("verify", "bad.litmus", "--color", "always").out
    assert "\x1b" not in mmcheck("verify", "bad.litmus", "--color", "always", "--format", "json").out


def test_verdicts_do_not_depend_on_hashes(process: Run) -> None:
    texts = []
    for seed in ("0", "1"):
        data = json.loads(process("verify", "bad.litmus", "--format", "json", PYTHONHASHSEED=seed).out)
        for result in data["results"]:
            del result["seconds"]
        texts.append(json.dumps(data))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("engine", ["auto", "enumerate"])
def test_a_test_of_herds_shows_the_run_that_breaks_it(engine: str, mmcheck: Run, folder: Path) -> None:
    (folder / "herd" / "MP.litmus").write_text(HERD.replace("exists", "~exists"))
    (folder / "herd" / "SC.litmus").write_text(HERD.replace("exists (1:X0=1 /\\ 1:X2=0)", "forall (1:X0=1)"))
    outcome = mmcheck("verify", "herd", "--format", "json", "--engine", engine)
    one, two = json.loads(outcome.out)["results"]
    assert outcome.code == 1
    assert (one["verdict"], one["layer"], two["verdict"], two["layer"]) == ("violated", "hardware", "violated", None)
    events = one["counterexample"]["events"]
    assert {"P0", "P1"} <= {event["agent"] for event in events}
    assert one["counterexample"]["cycle"] and not two["counterexample"]["cycle"]
    text = mmcheck("verify", "herd", "--engine", engine).out
    assert "no barrier here" in text and "P1 still reads x = 0, although P0" in text


def test_a_question_of_herds_has_a_witness(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "herd", "--format", "json")
    (result,) = json.loads(outcome.out)["results"]
    assert outcome.code == 0
    assert (result["kind"], result["verdict"], result["layer"]) == ("exists", "allowed", "hardware")
    assert result["counterexample"]["events"]
