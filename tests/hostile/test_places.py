"""Messages say where: the line of the settings, the part of a report, the command that has an option."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hostile_inputs import BAD, GOOD, Checkout

from mmcheck.base import gate


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("timeout = inf", "timeout"),
        ('targets = ["armv9"]', "armv9"),
        ('targets = ["armv8+lses"]', "did you mean"),
        ('targets = ["gone.cat+armv8"]', "gone.cat"),
    ],
)
def test_what_settings_lead_to_is_shown_at_their_line(checkout: Checkout, line: str, words: str) -> None:
    checkout.write("mmcheck.toml", f"bound = 2\n{line}\n")
    checkout.write("good.litmus", GOOD)
    checkout.write("a.md", "<!-- mmcheck: good.litmus -->\n<!-- mmcheck: end -->\n")
    for command in (("verify", "good.litmus"), ("doc", "good.litmus", "-o", "out"), ("render", "--embed", "a.md")):
        code, text = checkout.run(*command)
        assert code == 2 and words in text and "mmcheck.toml:2:1" in text, text


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 20_000], ids=["digits", "brackets"])
def test_what_no_reader_of_toml_takes_has_a_place(checkout: Checkout, value: str) -> None:
    checkout.write("good.litmus", GOOD)
    checkout.write("c.toml", f"[armv8]\nawait_rounds = {value}\n")
    code, text = checkout.run("place", "good.litmus", "--costs", "c.toml")
    assert code == 2 and ("c.toml:2:16" in text or (value[0] == "[" and "c.toml:1:1" in text)), text


def test_a_baseline_of_settings_that_is_not_there_is_shown_at_its_line(checkout: Checkout) -> None:
    checkout.write("mmcheck.toml", 'baseline = "gone.json"\n')
    checkout.write("good.litmus", GOOD)
    code, text = checkout.run("verify", "good.litmus")
    assert code == 2 and "'gone.json': there is no such file" in text and "mmcheck.toml:1:1" in text, text


def test_what_options_lead_to_is_not_blamed_on_settings(checkout: Checkout) -> None:
    checkout.write("mmcheck.toml", 'targets = ["armv8"]\nbaseline = "b.json"\n')
    checkout.write("good.litmus", GOOD)
    for option in (("--target", "armv9"), ("--baseline", "gone.json")):
        code, text = checkout.run("verify", "good.litmus", *option)
        assert code == 2 and "mmcheck.toml" not in text, text


def test_a_report_of_another_program_is_named(checkout: Checkout) -> None:
    checkout.write("good.litmus", GOOD)
    checkout.write("bad.litmus", BAD)
    checkout.run("verify", "bad.litmus", "--format", "json", "--output", "r.json")
    code, text = checkout.run("run", "good.litmus", "--replay", "r.json")
    assert code == 2 and "no run in this file is one of this program (good.litmus, base" in text
    assert "r.json:" in text.partition("-->")[2], text


def test_an_option_of_another_command_is_no_suggestion_of_itself(checkout: Checkout) -> None:
    code, text = checkout.run("litmus", "a.litmus", "--no-cache")
    assert code == 2 and "it is an option of verify" in text and "did you mean" not in text


def test_a_key_that_is_too_short_is_said_to_be(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMCHECK_CACHE_KEY", "short")
    monkeypatch.setenv("MMCHECK_CACHE_DIR", str(checkout.path.parent / "kept"))
    checkout.write("good.litmus", GOOD)
    code, text = checkout.run("verify", "good.litmus")
    assert code == 0 and "MMCHECK_CACHE_KEY has fewer than 16 characters" in text


def test_a_name_that_is_no_text_is_in_sarif(checkout: Checkout) -> None:
    name = os.fsdecode(b"b\xffd.litmus")
    try:
        Path(os.fsencode(checkout.path).decode(), name).write_text(BAD)
    except OSError:
        pytest.skip("this file system has no such names")
    code, text = checkout.run("verify", ".", "--format", "sarif", "--quiet")
    assert code == 1 and "internal error" not in text
    assert "b%FFd.litmus" in json.dumps(json.loads(text))


@pytest.mark.parametrize(
    "arguments",
    [("place", "weak.litmus", "--write"), ("verify", "weak.litmus", "--dump-smt", "out", "--engine", "smt")],
)
def test_a_full_disk_is_a_message(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    weak = checkout.write("weak.litmus", GOOD.replace("fence(release)", "fence(seq_cst)"))
    before = weak.read_text()

    def full(path: object, content: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(gate, "write", full)
    code, text = checkout.run(*arguments)
    assert code == 2 and "no space left on device" in text and "internal error" not in text, text
    assert weak.read_text() == before


def test_a_model_that_forbids_every_run_is_an_error(checkout: Checkout) -> None:
    checkout.write("none.cat", '"none"\nirreflexive id as nothing\n')
    checkout.write("good.litmus", GOOD)
    code, text = checkout.run("verify", "good.litmus", "--target", "none.cat+armv8", "--engine", "smt")
    assert code == 2 and "error[MM413]" in text and "none.cat:2:1" in text, text


def test_a_region_of_a_file_that_is_not_there_is_named(checkout: Checkout) -> None:
    checkout.write("a.md", "Text\n<!-- mmcheck: gone.litmus requirement=seen -->\n<!-- mmcheck: end -->\n")
    code, text = checkout.run("render", "--embed", "a.md")
    assert code == 2 and "a.md:2:1" in text and "no such file" in text, text
