"""``mmcheck explain``."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable
from difflib import get_close_matches

from mmcheck.base.codes import CODES
from mmcheck.interfaces.commands import console
from mmcheck.model.profiles import COMPILERS
from mmcheck.report.words import one_line
from mmcheck.verdict.results import MEANING

MOST = 100
"""Characters of a subject that are looked at."""


def main(options: argparse.Namespace) -> int:
    """Print what is known about the subject; 2 if nothing is."""
    text = explanation(options.subject)
    if text is None:
        console.note(f"mmcheck: nothing is known about '{one_line(options.subject)}'{_hint(options.subject)}")
        return 2
    console.out(text)
    return 0


def explanation(subject: str) -> str | None:
    """The text about a code, a clause, a verdict, a compiler or its defect; None if there is none."""
    word = subject.strip()[:MOST]
    code = word.upper()
    if code in CODES:
        title, text = CODES[code]
        return _page(f"{code}: {title}", [text])
    if word.lower() in MEANING:
        return _page(word.lower(), [MEANING[word.lower()] + "."])
    return _compiler(word.lower()) or _clause(word)


def _compiler(word: str) -> str | None:
    """A profile of what a compiler keeps in order, or one of its known defects."""
    from mmcheck.model.defects import DEFECTS, NAMES
    from mmcheck.verdict.lost import said

    if word in COMPILERS:
        text = f"The table is {word}.cat, see docs/compiler.md."
        listed = [f"{said(defect)}." for defect in DEFECTS.values() if defect.compiler == word]
        return _page(f"--compiler {word}: {COMPILERS[word]}", [text, *listed])
    defect = DEFECTS.get(word)
    if defect is None:
        return None
    name = NAMES[defect.compiler]
    text = (
        f"A verdict that would be another with this defect has a note; --compiler {defect.compiler} counts it. What is "
        f"lost is the relation {defect.name} of {defect.compiler}.cat, on {' and '.join(defect.targets)}."
    )
    return _page(f"{defect.name}: a known defect of {name}", [said(defect) + ".", text])


def _clause(word: str) -> str | None:
    from mmcheck.language.lower.clauses import IMPLIED, PARTS, VIRTIO_1_2, renumbered, title_of

    implied = word.removeprefix("implied:").strip().upper()
    if implied in IMPLIED:
        return _page(f"implied:{implied}: {IMPLIED[implied]}", _registered(f"implied:{implied}"))
    bit = word.upper().removeprefix("VIRTIO_F_")
    if bit in PARTS["6"]:
        word = f"6 {bit}"
    match = re.fullmatch(_CLAUSE, word, re.IGNORECASE)
    if match is None:
        return None
    given, minor, part = match["number"], match["minor"], match["part"] or ""
    number, note = given, []
    if minor == "1":
        number = renumbered(given) or ""
    elif minor == "0":
        from mmcheck.language.lower.register import REGISTER

        number = next((each.id.partition(" ")[0] for each in REGISTER.values() if each.in_1_0 == given), "")
    elif given not in VIRTIO_1_2 and given.startswith("2."):
        number = renumbered(given) or ""
        note = [f"{given} is its number in VirtIO 1.1: that is {number} in 1.2."]
    clause = f"{number} {part.upper() if number == '6' else part.lower()}" if part else number
    title = title_of(clause)
    if not title:
        return None
    text = "The title is shortened and in our own words; the number is that of VirtIO 1.2, 1.3 and 1.4."
    meant = renumbered(given) if minor is None and not note else given
    if meant is not None and meant != given:
        text += f" In 1.1, {given} is the number of what is {meant} now: {VIRTIO_1_2[meant]}."
    paragraphs = [*note, *_registered(clause), text]
    below = [f"{key}  {name}" for key, name in VIRTIO_1_2.items() if key.startswith(f"{clause}.")]
    return _page(f"VirtIO 1.2, {clause}: {title}", paragraphs) + ("\n" + "\n".join(below) + "\n" if below else "")


_CLAUSE = (
    r"(?:virtio\s*(?:1\.(?P<minor>\d))?\s*,?\s*)?(?P<number>\d+(?:\.\d+)*)(?:\s+(?P<part>step\s\d{1,2}|[A-Z_]{1,40}))?"
)


def _registered(clause: str) -> list[str]:
    """What the register of ordering clauses has on `clause`, and on its parts."""
    from mmcheck.language.lower.register import parts

    found = []
    for entry in parts(clause):
        part = "" if entry.id == clause else entry.id.partition(" ")[2]
        found.append((f"{part}: " if part else "") + entry.paraphrase)
        if entry.pattern != "none":
            found.append(f"Order: {entry.pattern}")
        found.append(f"Without it: {entry.breaks}")
        if part:
            continue
        if entry.force == "implied":
            found.append(f"Side: {entry.side}.")
            continue
        numbers = [f"{entry.in_1_1} in VirtIO 1.1" if entry.in_1_1 else "not in VirtIO 1.1"]
        numbers += [f"{entry.in_1_0} in 1.0"] if entry.in_1_0 else ["not in 1.0"]
        found.append(f"Side: {entry.side}; {entry.force}. It is {', '.join(numbers)}.")
    return found


def _page(title: str, paragraphs: Iterable[str]) -> str:
    return "\n\n".join([title, *(textwrap.fill(each, 80) for each in paragraphs)]) + "\n"


_LETTERS = str.maketrans("OQILSB", "001158")
"""Letters that are written where a digit is meant."""


def _hint(subject: str) -> str:
    """What the user may have meant: a clause above it, a code that looks the same, a verdict that sounds the same."""
    from mmcheck.language.lower.clauses import VIRTIO_1_2
    from mmcheck.model.defects import DEFECTS

    word = subject.strip()[:MOST].upper()
    number = re.search(r"\d+(?:\.\d+)+$", word)
    above = number[0] if number else ""
    while above and above not in VIRTIO_1_2:
        above = above.rpartition(".")[0]
    digits = re.fullmatch(r"(?:M{0,2}[- ]?)?([0-9OQILSB]{3})", word)
    code = f"MM{digits[1].translate(_LETTERS)}" if digits else ""
    near = [above] if above else [code] if code in CODES else get_close_matches(word, CODES, 1, 0.7)
    near = near or get_close_matches(word.lower(), [*MEANING, *COMPILERS, *DEFECTS], 1)
    return f"; did you mean '{near[0]}'?" if near else "; try MM101, 2.7.13.3.1 or holds"
