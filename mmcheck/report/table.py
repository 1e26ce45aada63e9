"""One line for each requirement: its verdicts on all targets and in all variants, as short as they allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mmcheck.report.words import BASE, claim, one_line, verdict
from mmcheck.verdict.results import Result

Row = tuple[str, list[Result]]


def rows(results: Iterable[Result]) -> list[Row]:
    """The results of each requirement, in the order of the file; a name with several kinds of check is several rows."""
    groups: dict[tuple[str, str], list[Result]] = {}
    kinds: dict[str, set[str]] = {}
    for result in results:
        groups.setdefault((result.requirement, result.kind), []).append(result)
        kinds.setdefault(result.requirement, set()).add(result.kind)
    return [
        (name if len(kinds[name]) == 1 else f"{name} ({kind})", members) for (name, kind), members in groups.items()
    ]


def mark(results: Sequence[Result]) -> str:
    """``FAIL`` if something is not as claimed, ``?`` if something is unknown, else ``ok``."""
    claims = {result.as_claimed for result in results}
    return "FAIL" if False in claims else "?" if None in claims else "ok"


def phrase(results: Sequence[Result]) -> str:
    """``holds``, or ``violated as claimed on armv8 in "before"; holds elsewhere``: what matters most comes first."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in sorted(results, key=_weight):
        groups.setdefault(_words(result), []).append(result)
    if len(groups) == 1:
        return "".join(next(iter(groups)))
    *others, last = groups
    parts = [f"{words} {where(groups[words, claimed], results)}{claimed}" for words, claimed in others]
    quiet = _weight(groups[last][0]) == _QUIET
    parts.append(f"{last[0]} {'elsewhere' if quiet else where(groups[last], results)}{last[1]}")
    return "; ".join(parts)


_QUIET = 3
_LOUD = ("violated", "vacuous")
"""Verdicts that a requirement is not meant for, and that are named where they are claimed."""


def _weight(result: Result) -> int:
    if result.as_claimed is False:
        return 0
    if result.as_claimed is None:
        return 1
    return 2 if result.verdict in _LOUD else _QUIET


def _words(result: Result) -> tuple[str, str]:
    """What stands before and behind the place."""
    if result.as_claimed is False:
        return verdict(result), f", {claim(result)}"
    if result.as_claimed is True and result.verdict in _LOUD:
        return f"{verdict(result)} as claimed", ""
    return result.verdict, ""


def where(members: Sequence[Result], everything: Sequence[Result]) -> str:
    """On which targets and in which variants `members` are, of those that `everything` has."""
    targets = list(dict.fromkeys(result.target for result in everything))
    variants = list(dict.fromkeys(result.variant for result in everything))
    inside = {target: [v for v in variants if _has(members, target, v)] for target in targets}
    merged: dict[tuple[str | None, ...], list[str]] = {}
    for target in targets:
        if inside[target]:
            merged.setdefault(tuple(inside[target]), []).append(target)
    return "; ".join(_spot(on, among, targets, variants) for among, on in merged.items()) or "nowhere"


def _has(members: Sequence[Result], target: str, variant: str | None) -> bool:
    return any(result.target == target and result.variant == variant for result in members)


def _spot(
    on: Sequence[str], among: Sequence[str | None], targets: Sequence[str], variants: Sequence[str | None]
) -> str:
    parts = []
    if len(on) < len(targets) or len(targets) == 1:
        parts.append("on " + ", ".join(on))
    if len(among) < len(variants):
        parts.append("in " + ", ".join(variant_name(name) for name in among))
    return " ".join(parts) or "everywhere"


def variant_name(name: str | None) -> str:
    """``base``, or the name in quotes."""
    return BASE if name is None else f'"{name}"'


def notes(results: Iterable[Result]) -> Iterator[str]:
    """Every note once, with the requirements that it is about."""
    about: dict[str, list[str]] = {}
    for result in results:
        for note in result.notes:
            named = about.setdefault(note, [])
            if result.requirement not in named:
                named.append(result.requirement)
    for note, named in about.items():
        yield one_line(f"{note} ({', '.join(named)})")
