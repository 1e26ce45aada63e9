"""What is no reordering is said beside the verdict: reads that a compiler may make twice, and data races."""

from __future__ import annotations

import pytest

from mmcheck.verdict.results import Finding
from tests.unit.semantics.semantics import check

TWICE = "used more than once"
AGAIN = "may store again"
RACE = "are a data race"


def noted(finding: Finding, text: str) -> list[str]:
    return [note for note in finding.notes if text in note]


def program(reader: str, writer: str, more: str = "") -> str:
    return (
        'spec "t"\ntargets armv8\nmemory len, full, buf[2]: u32, out\n'
        "requirement bounded { ~exists out == 7 }\n"
        f"thread reader {{ {reader} }}\nthread writer {{ {writer} }}\n{more}"
    )


TESTED = "if n < 2 { buf[n] = 1 }"


@pytest.mark.parametrize(
    ("reader", "writer", "expected"),
    [
        (f"let n = len\n{TESTED}", "len = 1", True),
        ("let n = len\nbuf[0] = n\nbuf[1] = n", "len = 1", True),
        ("let n = len\nif n == 0 { buf[0] = 1 }\nif n == 1 { buf[1] = 1 }", "len = 1", True),
        (f"let n = len.read_volatile()\n{TESTED}", "len = 1", False),
        ("let n = len\nbuf[0] = n", "len = 1", False),
        ("let n = len\nif full.load(relaxed) == 1 { buf[0] = n } else { buf[1] = n }", "len = 1", False),
        (
            f"if full.load(acquire) == 1 {{\nlet n = len\n{TESTED}\n}}",
            "len = 1\nfull.store(1, release)",
            False,
        ),
        (f"if full.load(relaxed) == 1 {{\nlet n = len\n{TESTED}\n}}", "len = 1\nfull.store(1, release)", True),
        (f"let n = len\n{TESTED}\nfull.store(1, release)", "if full.load(acquire) == 1 { len = 1 }", False),
        (
            "let n = len\nbuf[0] = n\nfull.store(1, release)\nbuf[1] = n",
            "if full.load(acquire) == 1 { len = 1 }",
            True,
        ),
    ],
    ids=[
        "test and index", "two data", "two tests", "volatile", "one use", "one on each way", "published",
        "published, read too early", "handed back", "handed back too early",
    ],
)  # fmt: skip
def test_a_plain_read_used_more_than_once(reader: str, writer: str, expected: bool) -> None:
    finding = check(program(reader, writer))
    assert finding.verdict == "holds"
    found = noted(finding, TWICE)
    assert bool(found) == expected, finding.notes
    for note in found:
        assert "let n = len" in note and "'len = 1'" in note and "(line " in note


OVERRIDE = "{before}; let r = out.read_volatile(); if r == 1 {{ {arm} }}; barrier(); full.write_volatile(1)"


@pytest.mark.parametrize(
    ("before", "arm", "writer", "expected"),
    [
        ("len = 0", "len = 1", "len = 7", True),
        ("len = 0; let q = buf[0].load(relaxed)", "len = 1", "len = 7", True),
        ("len = 0; barrier()", "len = 1", "len = 7", False),
        ("len = 0; let q = buf[0].load(acquire)", "len = 1", "len = 7", False),
        ("len = 0", "len.write_volatile(1)", "len = 7", False),
        ("len.write_volatile(0)", "len = 1", "len = 7", False),
        ("buf[0] = 0", "len = 1", "len = 7", False),
        ("len = 0", "full.write_volatile(2); len = 1", "len = 7", False),
        ("len = 0", "len = 1", "await full.load(acquire) == 1\nlen = 7", False),
        ("len = 0", "len = 1", "buf[0] = 7", False),
    ],
    ids=[
        "another writes", "a relaxed load between", "a barrier between", "an acquire between", "by a volatile store",
        "of a volatile store", "another place", "behind a volatile access", "another writes behind what is seen",
        "another place is written",
    ],
)  # fmt: skip
def test_a_plain_store_that_may_be_made_in_any_case(before: str, arm: str, writer: str, expected: bool) -> None:
    finding = check(program(OVERRIDE.format(before=before, arm=arm), writer))
    assert finding.verdict == "holds"
    assert bool(noted(finding, AGAIN)) == expected, finding.notes


def test_a_store_behind_a_release_is_not_overwritten() -> None:
    ordered = OVERRIDE.replace("full.write_volatile(1)", "full.store(1, release)")
    writer = "await full.load(acquire) == 1\nlen = 7"
    assert not noted(check(program(ordered.format(before="len = 0", arm="len = 1"), writer)), AGAIN)


def test_the_argument_of_a_function_is_no_use() -> None:
    put = "fn put(at: u32) { buf[0] = at }\n"
    assert not noted(check(program("let n = len\nput(n)", "len = 1", put)), TWICE)
    assert noted(check(program("let n = len\nput(n)\nput(n)", "len = 1", put)), TWICE)


def test_assembly_reads_what_it_says() -> None:
    text = program(f"let n = len\n{TESTED}", "len = 1").replace("thread reader", "asm thread reader")
    assert not check(text).notes


def race(writer: str, reader: str, *, prefix: str = "") -> Finding:
    return check(
        'spec "t"\ntargets armv8\nmemory data, flag\n'
        "requirement seen { ~exists reader.f == 1 && reader.d == 0 }\n"
        f"thread writer {{ {writer} }}\n{prefix}thread reader {{ {reader} }}\n"
    )


def test_a_race_is_named_beside_the_violation() -> None:
    finding = race("data = 1\nflag.store(1, relaxed)", "let f = flag.load(acquire)\nlet d = data")
    assert finding.verdict == "violated"
    (note,) = noted(finding, RACE)
    assert "'data = 1' (line 5)" in note and "'let d = data' (line 8)" in note


@pytest.mark.parametrize(
    ("writer", "reader"),
    [
        ("data.store(1, relaxed)\nflag.store(1, relaxed)", "let f = flag.load(acquire)\nlet d = data.load(relaxed)"),
        ("data.write_volatile(1)\nflag.store(1, relaxed)", "let f = flag.load(acquire)\nlet d = data.read_volatile()"),
    ],
    ids=["atomic", "volatile"],
)
def test_what_is_not_plain_is_no_race(writer: str, reader: str) -> None:
    finding = race(writer, reader)
    assert finding.verdict == "violated"
    assert not noted(finding, RACE)


def test_assembly_is_not_of_the_language() -> None:
    finding = race("data = 1\nflag.store(1, relaxed)", "let f = flag.load(acquire)\nlet d = data", prefix="asm ")
    assert finding.verdict == "violated"
    assert not noted(finding, RACE)


@pytest.mark.parametrize(
    ("writer", "reader", "expected"),
    [
        ("data = 1\nflag.store(1, release)", "let f = flag.load(acquire)\nlet d = data", False),
        (
            "data = 1\nfence(release)\nflag.store(1, relaxed)",
            "let f = flag.load(relaxed)\nfence(acquire)\nlet d = data",
            False,
        ),
        ("data = 1\nflag.store(1, release)", "let f = flag.load(relaxed)\nlet d = data", True),
        ("flag.store(1, release)\ndata = 1", "let f = flag.load(acquire)\nlet d = data", True),
    ],
    ids=["release and acquire", "fences", "no acquire", "released too early"],
)  # fmt: skip
def test_happens_before(writer: str, reader: str, expected: bool) -> None:
    """In the runs where the flag was seen, data has the value 1 or 0; asked for is one with the value 1."""
    text = (
        'spec "t"\ntargets armv8\nmemory data, flag\n'
        "requirement seen { ~exists reader.f == 1 && reader.d == 1 }\n"
        f"thread writer {{ {writer} }}\nthread reader {{ {reader} }}\n"
    )
    finding = check(text)
    assert finding.verdict == "violated"
    assert bool(noted(finding, RACE)) == expected


def test_a_read_modify_write_continues_a_release() -> None:
    text = (
        'spec "t"\ntargets armv8\nmemory data, flag\n'
        "requirement seen { ~exists reader.f == 2 && reader.d == 1 }\n"
        "thread writer { data = 1\nflag.store(1, release) }\n"
        "thread between { flag.fetch_add(1, relaxed) }\n"
        "thread reader { let f = flag.load(acquire)\nlet d = data }\n"
    )
    finding = check(text)
    assert finding.verdict == "violated"
    assert not noted(finding, RACE)
    assert noted(check(text.replace("(1, release)", "(1, relaxed)")), RACE)


def test_an_access_outside_of_memory_is_named_beside_the_violation() -> None:
    text = (
        'spec "t"\ntargets armv8\nmemory ring[4]: u32, out\nrequirement seen { says "never" }\n'
        "thread t { let i = out.read_volatile()\nring[i + 4] = 1\nassert i == 1 for seen }\n"
    )
    finding = check(text)
    assert finding.verdict == "violated"
    assert noted(finding, "'ring[i + 4] = 1' (line 6) goes outside every variable")
    assert not noted(check(text.replace("i + 4", "i")), "outside")
