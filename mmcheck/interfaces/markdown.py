"""Verdicts and pictures inside of a Markdown file: what stands between two comments is made anew.

    <!-- mmcheck: specs/submit.litmus requirement=published -->
    <!-- mmcheck: end -->

Functions from text to text; reading, checking and writing are up to the caller.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from html import escape
from posixpath import join, normpath

from mmcheck.base.errors import InputError, fail
from mmcheck.base.records import record
from mmcheck.base.source import SourceFile, Span
from mmcheck.report import pictures, story, table
from mmcheck.report.doc.fragments import GLYPHS, anchor
from mmcheck.report.draw.metrics import clean
from mmcheck.report.draw.svg import render_svg
from mmcheck.report.draw.text import render_text
from mmcheck.report.words import BASE, claim, verdict
from mmcheck.verdict.results import Result

FOLDER = "mmcheck-graphs"
"""Where pictures stand, beside the Markdown file."""

KEYS = ("requirement", "variant", "target", "graph")
_MARK = re.compile(r"^[ ]{0,3}<!-- mmcheck: (?P<what>[^\n]*+)$", re.MULTILINE)
_END = "-->"

Check = Callable[[str], Sequence[Result]]
"""The results of the specification at a path; raises `InputError` if it cannot be checked, `OSError` if it must not."""


@record
class Wish:
    """What one region asks for; `path` is relative to where mmcheck runs."""

    path: str
    requirement: str | None
    variant: str | None
    target: str | None
    graph: bool


def refresh(file: SourceFile, folder: str, check: Check, *, as_text: bool = False) -> tuple[str, dict[str, str]]:
    """The new text of `file`, which stands in `folder`, and its pictures by path relative to it."""
    out: list[str] = []
    drawn: dict[str, str] = {}
    position = 0
    for begin, end in _regions(file):
        wish = _wish(file, begin, folder)
        try:
            results = check(wish.path)
        except OSError as error:
            message = f"'{wish.path}' cannot be read: {error.strerror}"
            raise fail("MM022", message, _span(file, begin)) from None
        except InputError as error:
            first = error.diagnostics[0]
            if first.span is not None or first.path != wish.path:
                raise
            raise fail("MM022", f"'{wish.path}': {first.message}", _span(file, begin), help=first.help) from None
        chosen = [result for result in results if _wanted(result, wish)]
        if not chosen:
            raise fail("MM015", "no result of that file fits what this region asks for", _span(file, begin))
        out.append(file.text[position : begin.end()] + "\n")
        out += [f"{line}\n" for line in _content(chosen, wish, drawn, as_text)]
        position = end.start()
    return "".join([*out, file.text[position:]]), drawn


def _span(file: SourceFile, match: re.Match[str]) -> Span:
    return Span(file, match.start(), match.end())


def _what(mark: re.Match[str]) -> str:
    """What a mark says."""
    return mark["what"].rstrip(" ").removesuffix(_END).rstrip(" ")


def _regions(file: SourceFile) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    begin: re.Match[str] | None = None
    for mark in _MARK.finditer(file.text):
        if not mark["what"].rstrip(" ").endswith(_END):
            continue
        if _what(mark) != "end":
            if begin is not None:
                raise fail("MM015", "this region begins inside of another", _span(file, mark))
            begin = mark
        elif begin is None:
            raise fail("MM015", "no region begins before this end", _span(file, mark))
        else:
            yield begin, mark
            begin = None
    if begin is not None:
        help = "close it with <!-- mmcheck: end -->"
        raise fail("MM015", "this region has no end", _span(file, begin), help=help)


def _wish(file: SourceFile, mark: re.Match[str], folder: str) -> Wish:
    try:
        path, *options = shlex.split(_what(mark))
    except ValueError:
        raise fail("MM015", "this region names no file", _span(file, mark)) from None
    given: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or name not in KEYS:
            raise fail("MM015", f"a region takes {', '.join(KEYS)}, not '{name}'", _span(file, mark))
        given[name] = value
    path = normpath(join(folder, path))
    graph = given.get("graph", "yes") != "no"
    return Wish(path, given.get("requirement"), given.get("variant"), given.get("target"), graph)


def _wanted(result: Result, wish: Wish) -> bool:
    return (
        wish.requirement in (None, result.requirement)
        and wish.variant in (None, result.variant or BASE)
        and wish.target in (None, result.target)
    )


def _content(results: Sequence[Result], wish: Wish, drawn: dict[str, str], as_text: bool) -> Iterator[str]:
    targets = list(dict.fromkeys(result.target for result in results))
    yield ""
    yield "| requirement | program | " + " | ".join(map(_cell, targets)) + " |"
    yield "|" + "---|" * (2 + len(targets))
    for name, members in table.rows(results):
        for variant in dict.fromkeys(result.variant for result in members):
            row = {result.target: result for result in members if result.variant == variant}
            title = "as written" if variant is None else f"“{_cell(variant)}”"
            cells = [_verdict(row[each]) if each in row else "" for each in targets]
            yield f"| {_cell(name)} | {title} | {' | '.join(cells)} |"
    yield ""
    for result in results if wish.graph else ():
        yield from _picture(result, drawn, as_text)


def _picture(result: Result, drawn: dict[str, str], as_text: bool) -> Iterator[str]:
    scene = pictures.scene(result)
    if scene is None:
        return
    if as_text:
        yield "```text"
        drawing = render_text(scene, width=78).strip("\n").replace("```", "'''").replace("<!--", "<! --")
        yield from (line.rstrip() for line in drawing.split("\n"))
        yield "```"
    else:
        parts = (result.file.removesuffix(".litmus"), result.requirement, result.kind, result.variant or BASE)
        name = f"{FOLDER}/{anchor('run', *parts, result.target)}.svg"
        drawn[name] = render_svg(scene)
        yield f"![{_cell(f'{verdict(result)}: {story.subject(result)}')}]({name})"
    yield ""


def _verdict(result: Result) -> str:
    words = f"{GLYPHS[result.verdict]} {verdict(result)}"
    return _cell(words if result.as_claimed is not False else f"{words}, {claim(result)}")


def _cell(text: str) -> str:
    """`text` as plain characters of Markdown, in a table or in brackets."""
    return re.sub(r"([\\`*_{}\[\]()#|!~])", r"\\\1", escape(clean(text, 160), quote=False))
