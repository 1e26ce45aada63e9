"""The page of one specification: requirements with verdicts and runs, then the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmcheck.report.doc import fragments
from mmcheck.report.doc.fragments import anchor, text
from mmcheck.report.table import rows
from mmcheck.verdict.results import FileReport, Result

Part = tuple[str, str]
"""Path and text of a file that a specification is made of."""


def requirement_id(name: str, kind: str) -> str:
    """The id of the section of a requirement."""
    return anchor("req", name, kind)


def body(file: FileReport, parts: Sequence[Part], clause_links: Mapping[str, str], links: Mapping[str, str]) -> str:
    """What stands in the page's main part; `clause_links` and `links` lead to clauses and to other files' pages."""
    title = next((result.spec for result in file.results), file.path.rpartition("/")[2])
    out = [f'<h1>{text(title, 200)}</h1><p class="path">{text(file.path)}</p>']
    out += [f'<p class="surprise">{text(each.concise())}</p>' for each in file.diagnostics]
    out += [f"<p>{text(note)}</p>" for note in file.notes]
    runs = fragments.run_names(file.results)
    if file.results:
        out.append(_contents(file.results))
    for name, members in rows(file.results):
        out.append(_requirement(name, members, runs, clause_links))
    if file.results:
        out.append('<h2 id="basis">What the verdicts rest on</h2>')
        out.append(fragments.basis(file.results))
        out.append('<p><a href="../index.html#verdicts">What the verdicts say</a></p>')
    out.append('<h2 id="program">The program</h2>')
    for number, (path, source) in enumerate(parts):
        prefix = "L" if number == 0 else f"f{number}-L"
        if number:
            shown = f'<a href="{links[path]}">{text(path)}</a>' if path in links else text(path)
            out.append(f"<h3>included: {shown}</h3>")
        out.append(fragments.code(source, prefix))
    return "\n".join(out)


def _contents(results: Sequence[Result]) -> str:
    items = []
    for name, members in rows(results):
        where = requirement_id(members[0].requirement, members[0].kind)
        told = _telling(members)
        here = f" on {text(told.target)}, {fragments.variant_text(told)}" if len(members) > 1 else ""
        alike = all(each.verdict == told.verdict for each in members if each.variant is None)
        here = "" if alike and told.variant is None else here
        items.append(
            f'<li><a href="#{where}">{text(name, 120)}</a>: {fragments.badge(told)}{here}; {_summary(members)}</li>'
        )
    return f'<nav aria-label="requirements"><ul>{"".join(items)}<li><a href="#program">the program</a></li></ul></nav>'


def _telling(members: Sequence[Result]) -> Result:
    """The result that a reader wants to know of first: a surprise, what the program as written breaks, any."""
    base = [each for each in members if each.variant is None]
    found = [each for each in members if each.as_claimed is not True]
    found += [each for each in base if each.verdict not in ("holds", "forbidden")]
    return [*found, *base, *members][0]


def _summary(members: Sequence[Result]) -> str:
    wrong = sum(each.as_claimed is not True for each in members)
    if wrong:
        return f"{wrong} of {len(members)} verdicts not as claimed"
    return f"all {len(members)} verdicts as claimed" if len(members) > 1 else "as claimed"


def _requirement(name: str, members: Sequence[Result], runs: fragments.Runs, clause_links: Mapping[str, str]) -> str:
    first = members[0]
    where = requirement_id(first.requirement, first.kind)
    line = f' <a href="#L{first.span.line}">line {first.span.line}</a>' if _own(first) and first.span else ""
    out = [f'<section class="requirement" id="{where}"><h2>{text(name, 120)}</h2>']
    if first.says:
        out.append(f"<p>{text(first.says)}</p>")
    cited = ", ".join(_clause(each, clause_links) for each in first.clauses) or "no clause"
    out.append(f'<p class="muted">{cited};{line}</p>' if line else f'<p class="muted">{cited}</p>')
    out.append(fragments.table(members, runs))
    out.append(fragments.notes(members))
    out += [fragments.figure(each, runs[id(each)]) for each in members if id(each) in runs]
    out.append("</section>")
    return "\n".join(out)


def _own(result: Result) -> bool:
    return result.span is not None and result.span.file.path == result.file


def _clause(clause: str, links: Mapping[str, str]) -> str:
    return f'<a href="{links[clause]}">{text(clause)}</a>' if clause in links else text(clause)
