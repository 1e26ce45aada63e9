"""A placement as edits of the text: comments, layout and everything else stay as they are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from mmcheck.base.records import record
from mmcheck.base.source import SourceFile
from mmcheck.language.lower.choices import Key, Option
from mmcheck.placement.options import NOTHING
from mmcheck.placement.problem import Placement, Problem
from mmcheck.placement.sites import Site


@record
class Edit:
    """``text[start:end]`` becomes `text`."""

    start: int
    end: int
    text: str


def edits_of(problem: Problem, placement: Placement) -> list[Edit]:
    """What turns the file as written into `placement`."""
    out: list[Edit] = []
    done: set[Key] = set()
    for site in problem.sites:
        if site.target and site.key not in done:
            done.add(site.key)
            together = [each for each in problem.sites if each.key == site.key]
            if any(placement[each.name] != each.written for each in together):
                words = {each.target: placement[each.name] for each in together}
                out += _edit(site, Option(_on_each(words)))
        elif not site.target and placement[site.name] != site.written:
            out += _edit(site, site.option(placement[site.name]))
    return sorted(out, key=lambda edit: (edit.start, edit.end))


def apply(text: str, edits: Sequence[Edit]) -> str:
    """`text` after all `edits`, which do not overlap."""
    for edit in reversed(edits):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def diff(path: str, before: str, after: str) -> str:
    """A unified diff, empty if nothing changes."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _on_each(words: Mapping[str, str]) -> str:
    """``on armv8 { dmb(ishst) }`` for each target where something stands, or the one word of all."""
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return "; ".join(f"on {target} {{ {word} }}" for target, word in words.items() if word != NOTHING)


def _edit(site: Site, option: Option) -> list[Edit]:
    file = site.span.file
    if site.kind == "order":
        orders = option.words[0][1]
        return [
            Edit(span.start, span.end, order)
            for span, order in zip(site.orders, orders, strict=True)
            if span.text != order
        ]
    if site.kind == "gap":
        return [_insert(file, site, option.name)]
    if option.name == NOTHING:
        return [Edit(site.span.start, site.span.end, NOTHING)] if site.labelled else [_delete(file, site)]
    word = option.words[0][0] if len(option.words) == 1 else None
    written = site.option(site.written)
    if word is not None and len(site.orders) == 1 and written.words and written.words[0][0] is word:
        return [Edit(site.orders[0].start, site.orders[0].end, option.words[0][1][0])]
    return [Edit(site.span.start, site.span.end, option.name)]


def _line_of(file: SourceFile, offset: int) -> tuple[int, int]:
    """Where the line of `offset` starts and ends, its line end left out."""
    text = file.text
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    return start, len(text) if end < 0 else end


def _newline(file: SourceFile) -> str:
    return "\r\n" if "\r\n" in file.text else "\n"


def _insert(file: SourceFile, site: Site, word: str) -> Edit:
    """A statement of its own in front of the site's place, or behind it."""
    text, at = file.text, site.span.start
    start, end = _line_of(file, at)
    before, behind = text[start:at], text[at:end]
    if at == site.statement.start:
        if not before.strip():
            return Edit(at, at, f"{word}{_newline(file)}{before}")
        return Edit(at, at, f"{word}; ")
    rest = behind.strip()
    first = _line_of(file, site.statement.start)[0]
    head = text[first : site.statement.start]
    if not head.strip() and (not rest or rest.startswith("//")):
        stop = start + len(text[start:end].rstrip("\r"))
        return Edit(stop, stop, f"{_newline(file)}{head}{word}")
    return Edit(at, at, f"; {word}")


def _delete(file: SourceFile, site: Site) -> Edit:
    """Without a statement that has no name; its line goes with it if nothing else stands there."""
    text = file.text
    first, last = site.statement.start, site.statement.end
    start, end = _line_of(file, first)
    if not text[start:first].strip() and not text[last:end].strip():
        return Edit(start, min(end + 1, len(text)), "")
    if text[last:end].lstrip().startswith(";"):
        stop = last + len(text[last:end]) - len(text[last:end].lstrip()) + 1
        while stop < end and text[stop] == " ":
            stop += 1
        return Edit(first, stop, "")
    return Edit(first, last, NOTHING)
