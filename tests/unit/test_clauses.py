"""The register of clauses: complete, consistent with the numbers that may be cited, and printed by ``explain``."""

import pytest

from mmcheck.commands.explain import explanation
from mmcheck.lower.clauses import IMPLIED, VIRTIO_1_2, check_clause, renumbered
from mmcheck.lower.register import REGISTER, older, steps

DEMANDED = (
    "2.7.7.1", "2.7.7.2", "2.7.8.2", "2.7.10.1", "2.7.10.2",
    "2.7.13", "2.7.13 step 3", "2.7.13 step 4", "2.7.13 step 6", "2.7.13.3.1", "2.7.13.4.1", "2.7.14",
    "2.8.6", "2.8.9", "2.8.14", "2.8.15", "2.8.16", "2.8.17", "2.8.21.1.1", "2.8.21.3.1", "2.8.22",
    "2.9", "4.1.5.2", "4.1.5.3", "4.1.5.5", "4.2.3.2", "4.2.3.3", "4.2.3.4.1", "6", "6.1",
)  # fmt: skip


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
    number = clause.id.partition(" ")[0]
    citation = number if clause.force == "implied" else f"VirtIO 1.2, {number}"
    assert check_clause(citation) is None


@pytest.mark.parametrize("number", [each for each in VIRTIO_1_2 if older(each)])
def test_numbers_go_there_and_back(number: str) -> None:
    assert renumbered(older(number)) == number


def test_packed_rings_are_not_in_1_0() -> None:
    assert not [each for each in REGISTER.values() if each.id.startswith("2.8.") and each.in_1_0]


def test_a_clause_brings_its_steps() -> None:
    assert [each.id for each in steps("2.7.13")] == ["2.7.13", "2.7.13 step 3", "2.7.13 step 4", "2.7.13 step 6"]


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
