"""Pieces of pages that others show, too: code, verdicts, tables of verdicts, pictures of runs.

Everything is escaped here and nowhere else; texts from outside are cut and free of control characters. Ids are made of
letters, digits and hyphens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from html import escape

from mmcheck.base.source import printable
from mmcheck.language import highlight
from mmcheck.model.profiles import COMPILERS
from mmcheck.report import pictures, story
from mmcheck.report.draw.metrics import clean
from mmcheck.report.draw.svg import render_svg
from mmcheck.report.words import BASE, claim, layer_sentence, plural, verdict
from mmcheck.verdict.results import Result

GLYPHS = {"holds": "✓", "violated": "✗", "allowed": "○", "forbidden": "●", "vacuous": "∅", "unknown": "?"}
_LOOKS = {"holds": "good", "forbidden": "good", "violated": "bad", "vacuous": "bad", "allowed": "warn",
          "unknown": "warn"}  # fmt: skip
MAX_TEXT = 400
MAX_LINE = 2000
"""Characters of one line of a program that are shown."""

Runs = Mapping[int, str]
"""The id of the picture of a result, by the result's identity."""


def text(raw: str, limit: int = MAX_TEXT) -> str:
    """`raw` for a page: one line, cut, inert."""
    return escape(clean(raw, limit))


def anchor(*parts: str) -> str:
    """An id that is the same for the same parts, and different for others."""
    plain = "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-")[:40] or "x" for part in parts)
    if all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", part) and len(part) <= 40 for part in parts):
        return plain
    return f"{plain}-{blake2b(chr(0).join(parts).encode(errors='replace'), digest_size=3).hexdigest()}"


def code(source: str, prefix: str = "L") -> str:
    """A program with numbered lines, each with the id ``L12``."""
    out = ['<pre class="code" tabindex="0"><code>']
    rows = highlight.lines(source)
    if len(rows) > 1 and not any(piece for _, piece in rows[-1]):
        rows.pop()
    for number, row in enumerate(rows, 1):
        out.append(f'<span class="line" id="{prefix}{number}">{_number(prefix, number)}{_row(row)}\n</span>')
    return "".join([*out, "</code></pre>"])


def _number(prefix: str, number: int) -> str:
    return f'<a class="no" href="#{prefix}{number}" tabindex="-1" aria-label="line {number}">{number}</a>'


def _row(row: Sequence[tuple[str, str]]) -> str:
    out = []
    room = MAX_LINE
    for look, piece in row:
        shown = escape(printable(piece.rstrip("\r").replace("\t", "    "))[: max(0, room)])
        room -= len(piece)
        out.append(f'<span class="c-{look}">{shown}</span>' if look and shown else shown)
    return "".join(out) + ("…" if room < 0 else "")


def scroller(label: str) -> str:
    """The start of a part that scrolls sideways on its own, by keyboard too; ends with ``</div>``."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'


def badge(result: Result) -> str:
    """A verdict: sign, word, and whether it is a surprise."""
    word = f'<span class="v v-{_LOOKS[result.verdict]}">{GLYPHS[result.verdict]} {escape(verdict(result))}</span>'
    if result.as_claimed is False:
        word += f' <span class="surprise">{escape(claim(result))}</span>'
    elif result.as_claimed is None:
        word += ' <span class="surprise">not decided</span>'
    return word


def variant_text(result: Result) -> str:
    """How the variant is called on pages."""
    return "as written" if result.variant is None else f"“{text(result.variant, 120)}”"


def table(results: Sequence[Result], runs: Runs) -> str:
    """Verdicts of one requirement: a row for each variant, a column for each target."""
    targets = list(dict.fromkeys(result.target for result in results))
    variants: dict[str | None, dict[str, Result]] = {}
    for result in results:
        variants.setdefault(result.variant, {})[result.target] = result
    head = "".join(f'<th scope="col">{text(target)}</th>' for target in targets)
    rows = []
    for row in variants.values():
        first = next(iter(row.values()))
        cells = "".join(f"<td>{_cell(row[each], runs) if each in row else ''}</td>" for each in targets)
        rows.append(f'<tr><th scope="row">{variant_text(first)}</th>{cells}</tr>')
    label = f"verdicts of {clean(results[0].requirement, 80)}"
    return (
        f'{scroller(label)}<table><thead><tr><th scope="col">program</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(result: Result, runs: Runs) -> str:
    link = f' <a href="#{runs[id(result)]}">run</a>' if id(result) in runs else ""
    return badge(result) + link


def figure(result: Result, name: str) -> str:
    """The run behind `result` as a picture, with what it says in words; empty if there is none."""
    scene = pictures.scene(result)
    if scene is None:
        return ""
    heading = f"{escape(verdict(result))} on {text(result.target)}, {variant_text(result)}"
    layer = layer_sentence(result)
    layer = layer[:1].upper() + layer[1:]
    caption = f"<p>{text(story.cause(result), story.TEXT)}</p>" + (f"<p>{text(layer, 300)}.</p>" if layer else "")
    return (
        f'<details id="{name}" open><summary>The run: {heading}</summary><figure>'
        f"{scroller('picture of the run')}{render_svg(scene, prefix=f'{name}-')}</div>"
        f"<figcaption>{caption}</figcaption></figure></details>"
    )


def targets(results: Iterable[Result]) -> list[str]:
    """The targets of `results`: those without options as they come, each followed by itself with options."""
    found = dict.fromkeys(result.target for result in results)
    bases = list(dict.fromkeys(target.partition("+")[0] for target in found))
    return sorted(found, key=lambda target: (bases.index(target.partition("+")[0]), target))


def basis(results: Sequence[Result]) -> str:
    """What the verdicts rest on: the models, the compiler, the bound, and whether it cut a loop."""
    models = dict.fromkeys(result.model for result in results)
    bounds = " or ".join(str(each) for each in sorted({result.bound for result in results}))
    cut = sum(not result.complete for result in results)
    loops = f"a loop was cut in {plural(cut, 'result')}" if cut else "no loop was cut"
    compilers = dict.fromkeys(COMPILERS[result.compiler] for result in results)
    listed = "".join(f"<li>{text(each)}</li>" for each in (*models, *[f"compiler: {each}" for each in compilers]))
    return f"<ul>{listed}</ul><p>Loops run up to {bounds} round{'' if bounds == '1' else 's'}; {loops}.</p>"


def notes(results: Iterable[Result]) -> str:
    """What the checker has to say beside the verdicts."""
    found = dict.fromkeys(note for result in results for note in result.notes)
    if not found:
        return ""
    return "<ul>" + "".join(f"<li>{text(note)}</li>" for note in found) + "</ul>"


def run_names(results: Iterable[Result], prefix: str = "run") -> dict[int, str]:
    """An id for the picture of every result that has one."""
    return {
        id(result): anchor(prefix, result.requirement, result.kind, result.variant or BASE, result.target)
        for result in results
        if result.counterexample is not None
    }
