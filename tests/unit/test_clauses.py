"""The register of clauses: complete, consistent with the numbers that may be cited, and printed by ``explain``."""

import pytest

from mmcheck.interfaces.commands.explain import explanation
from mmcheck.language.lower.clauses import IMPLIED, VIRTIO_1_2, check_clause, renumbered
from mmcheck.language.lower.register import REGISTER, parts
from mmcheck.language.lower.register.entry import older
from tests.register import DOCUMENT, text

SPLIT = (
    "2.7.7", "2.7.7.1", "2.7.7.2", "2.7.8.2", "2.7.10", "2.7.10.1", "2.7.10.2",
    "2.7.13", *[f"2.7.13 step {n}" for n in range(1, 8)],
    "2.7.13.1", "2.7.13.2", "2.7.13.3", "2.7.13.3.1", "2.7.13.4", "2.7.13.4.1", "2.7.14",
)  # fmt: skip
PACKED = (
    *[f"2.8.{n}" for n in range(6, 23)],
    "2.8.10.1", *[f"2.8.21 step {n}" for n in range(1, 4)],
    "2.8.21.1", "2.8.21.1.1", "2.8.21.2", "2.8.21.3", "2.8.21.3.1",
)  # fmt: skip
TRANSPORT = (
    "2.9", "4.1.5.1", "4.1.5.1.3", "4.1.5.2", "4.1.5.2.1", "4.1.5.3", "4.1.5.3.1", "4.1.5.4", "4.1.5.4.1", "4.1.5.4.2",
    "4.1.5.5", "4.2.3.1", "4.2.3.1.1", "4.2.3.2", "4.2.3.3", "4.2.3.4", "4.2.3.4.1",
    "6", "6 ORDER_PLATFORM", "6 ACCESS_PLATFORM", "6.1", "6.2",
)  # fmt: skip
DEMANDED = (*SPLIT, *PACKED, *TRANSPORT)

MUST = (
    "2.7.7.1", "2.7.7.2", "2.7.8.2", "2.7.10.1", "2.7.10.2", "2.7.13.3.1", "2.7.13.4.1",
    "2.8.11", "2.8.12", "2.8.15", "2.8.16", "2.8.17", "2.8.18", "2.8.19", "2.8.21.1.1", "2.8.21.3.1",
    "4.1.5.2.1", "4.1.5.3.1", "4.1.5.4.1", "4.1.5.4.2", "4.2.3.1.1", "4.2.3.4.1", "6.1",
)  # fmt: skip
"""Those with a MUST in the specification."""


@pytest.mark.parametrize("number", DEMANDED)
def test_a_clause_is_registered(number: str) -> None:
    assert number in REGISTER


def test_every_implied_obligation_is_registered() -> None:
    assert {key.removeprefix("implied:") for key in REGISTER if key.startswith("implied:")} == set(IMPLIED)


@pytest.mark.parametrize("clause", REGISTER.values(), ids=lambda clause: clause.id)
def test_an_entry_is_complete(clause) -> None:
    assert clause.title
    assert clause.paraphrase.endswith(".")
    assert clause.breaks.endswith(".")
    assert clause.pattern == "none" or "->" in clause.pattern or "class" in clause.pattern
    assert (clause.force == "implied") == clause.id.startswith("implied:")
    citation = clause.id if clause.force == "implied" else f"VirtIO 1.2, {clause.id}"
    assert check_clause(citation) is None
    assert explanation(clause.id) is not None


def test_nothing_else_is_registered_and_must_is_must() -> None:
    assert {key for key in REGISTER if not key.startswith("implied:")} == set(DEMANDED)
    assert {key for key, each in REGISTER.items() if each.force == "MUST"} == set(MUST)


def test_the_page_is_the_register() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == text()


@pytest.mark.parametrize("number", [each for each in VIRTIO_1_2 if older(each)])
def test_numbers_go_there_and_back(number: str) -> None:
    assert renumbered(older(number)) == number


def test_packed_rings_are_not_in_1_0() -> None:
    assert not [each for each in REGISTER.values() if each.id.startswith("2.8.") and each.in_1_0]


def test_a_clause_brings_its_parts() -> None:
    assert [each.id for each in parts("2.7.13")] == ["2.7.13", *[f"2.7.13 step {n}" for n in range(1, 8)]]
    assert [each.id for each in parts("6")] == ["6", "6 ORDER_PLATFORM", "6 ACCESS_PLATFORM"]
    assert [each.id for each in parts("2.7.13 step 4")] == ["2.7.13 step 4"]


def test_what_is_new_in_1_2_has_no_older_number() -> None:
    assert [key for key, each in REGISTER.items() if not each.in_1_1 and ":" not in key] == ["4.1.5.2.1"]
    assert "not in VirtIO 1.1" in (explanation("4.1.5.2.1") or "")


@pytest.mark.parametrize(
    ("cited", "message", "hint"),
    [
        ("VirtIO 1.2, 2.7.13 step 9", "has no 'step 9'", "it has step 1, step 2"),
        ("VirtIO 1.2, 6 ORDER_PLATFROM", "has no 'ORDER_PLATFROM'", "ORDER_PLATFORM"),
        ("VirtIO 1.2, 2.7.14 step 1", "2.7.14 has no part", 'cite "VirtIO 1.2, 2.7.14"'),
        ("VirtIO 1.1, 2.6.13 step 4", "by their numbers in VirtIO 1.2", "that is 2.7.13 step 4 in 1.2"),
        ("VirtIO 1.2, 2.7.13 Step four", "is no clause", "VirtIO 1.2, 2.7.13.3.1"),
    ],
)
def test_a_part_that_is_not_there(cited: str, message: str, hint: str) -> None:
    found = check_clause(cited)
    assert found is not None
    assert message in found.message
    assert hint in found.help


@pytest.mark.parametrize("word", ["ORDER_PLATFORM", "virtio_f_order_platform", "6 ORDER_PLATFORM"])
def test_explain_knows_feature_bits(word: str) -> None:
    assert (explanation(word) or "").startswith("VirtIO 1.2, 6 ORDER_PLATFORM: ")


def test_explain_says_what_the_number_meant_before() -> None:
    assert "In 1.1, 2.7.14 is the number of what is 2.8.14 now" in " ".join((explanation("2.7.14") or "").split())
    assert "In 1.1" not in (explanation("2.8.21.1.1") or "")


def test_explain_prints_the_entry() -> None:
    text = explanation("2.7.13.4.1")
    assert text is not None
    for part in ("R uflags, R aevt", "Lost kick", "driver; MUST", "2.6.13.4.1 in VirtIO 1.1", "3.2.1.4.1 in 1.0"):
        assert part in text


@pytest.mark.parametrize("subject", ["2.6.13.3.1", "VirtIO 1.1, 2.6.13.3.1", "VirtIO 1.0, 3.2.1.3.1"])
def test_explain_translates_older_numbers(subject: str) -> None:
    text = explanation(subject)
    assert text is not None
    assert text.startswith("VirtIO 1.2, 2.7.13.3.1: ")


def test_explain_says_that_a_number_is_older() -> None:
    assert "that is 2.7.13.3.1 in 1.2" in (explanation("2.6.13.3.1") or "")


def test_a_citation_by_an_older_number_is_told_the_new_one() -> None:
    found = check_clause("VirtIO 1.1, 2.6.13.3.1")
    assert found is not None
    assert found.help == "that is 2.7.13.3.1 in 1.2"


def test_explain_knows_what_it_does_not_know() -> None:
    assert explanation("2.6.99") is None
