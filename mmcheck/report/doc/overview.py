"""The pages about all specifications: start, programs with their variants, matrix of clauses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmcheck.report.doc import fragments
from mmcheck.report.doc.fragments import anchor, text
from mmcheck.report.doc.spec_page import requirement_id
from mmcheck.report.matrix import by_clause, meaning, uncovered
from mmcheck.report.words import plural
from mmcheck.verdict.results import MEANING, FileReport, Report, Result

Links = Mapping[str, str]
"""The page of each file, seen from the top folder."""


def start(report: Report, links: Links, title: str) -> str:
    """Counts, and every file with its verdicts in a line."""
    results = report.results
    wrong = sum(result.as_claimed is not True for result in results)
    state = f"{wrong} not as claimed or not decided" if wrong else "all as claimed"
    out = [
        f"<h1>{text(title, 120)}</h1>",
        f"<p>{plural(len(results), 'verdict')} about {plural(len(report.files), 'file')}: {state}.</p>",
        "<h2>Specifications</h2>",
        _files(report.files, links),
        '<h2 id="verdicts">What the verdicts say</h2><dl>',
        *(f"<dt><strong>{word}</strong></dt><dd>{text(meaning)}</dd>" for word, meaning in MEANING.items()),
        "</dl>",
    ]
    if results:
        tool = f"mmcheck {text(report.version)}, {text(report.solver)}"
        out += ["<h2>Models</h2>", fragments.basis(results), f"<p>Checked by {tool}.</p>"]
    return "\n".join(out)


def _files(files: Sequence[FileReport], links: Links) -> str:
    rows = []
    for file in files:
        title = next((result.spec for result in file.results), "") or file.path
        page = f'<a href="{links[file.path]}">{text(title, 160)}</a><br><span class="path">{text(file.path)}</span>'
        rows.append(f'<tr><th scope="row">{page}</th><td>{_state(file)}</td></tr>')
    head = '<thead><tr><th scope="col">specification</th><th scope="col">verdicts</th></tr></thead>'
    return _scroll("specifications", f"<table>{head}<tbody>{''.join(rows)}</tbody></table>")


def _scroll(label: str, content: str) -> str:
    return f"{fragments.scroller(label)}{content}</div>"


def _state(file: FileReport) -> str:
    if file.broken:
        return '<span class="surprise">could not be checked</span>'
    if not file.results:
        return "a library: nothing to check"
    base = [result for result in file.results if result.variant is None]
    words = [f"{plural(len(file.results), 'verdict')}"]
    wrong = sum(result.as_claimed is not True for result in file.results)
    words.append(f'<span class="surprise">{wrong} not as claimed</span>' if wrong else "all as claimed")
    broken = dict.fromkeys(result.requirement for result in base if result.verdict == "violated")
    if broken:
        words.append(f"as written violates {', '.join(text(each, 60) for each in broken)}")
    return "; ".join(words)


# --- programs and variants ---------------------------------------------------------------------------


def programs(report: Report, links: Links) -> str:
    """Every program and every variant of it: what each breaks, on which target. Drivers come first."""
    files = [file for file in report.files if file.results]
    drivers = [file for file in files if "drivers" in file.path.split("/")[:-1]]
    others = [file for file in files if file not in drivers]
    out = ["<h1>Programs, before and after</h1>"]
    out.append("<p>Each program as written and in its variants: the requirements that are violated, and where.</p>")
    for heading, chosen in (("Drivers and devices", drivers), ("Other programs" if drivers else "Programs", others)):
        if chosen:
            out.append(f"<h2>{heading}</h2>")
            out.append(_scroll(heading.lower(), _programs(chosen, links)))
    return "\n".join(out)


def _programs(files: Sequence[FileReport], links: Links) -> str:
    targets = fragments.targets(result for file in files for result in file.results)
    head = "".join(f'<th scope="col">{text(target)}</th>' for target in targets)
    rows = []
    for file in files:
        variants = list(dict.fromkeys(result.variant for result in file.results))
        page = f'<a href="{links[file.path]}">{text(file.results[0].spec, 160)}</a>'
        for number, variant in enumerate(variants):
            mine = [result for result in file.results if result.variant == variant]
            span = f'<th scope="rowgroup" rowspan="{len(variants)}">{page}</th>' if number == 0 else ""
            cells = "".join(f"<td>{_broken(file, mine, target, links)}</td>" for target in targets)
            rows.append(f'<tr>{span}<th scope="row">{fragments.variant_text(mine[0])}</th>{cells}</tr>')
    columns = f'<thead><tr><th scope="col">program</th><th scope="col">variant</th>{head}</tr></thead>'
    return f"<table>{columns}<tbody>{''.join(rows)}</tbody></table>"


def _broken(file: FileReport, results: Sequence[Result], target: str, links: Links) -> str:
    here = [result for result in results if result.target == target]
    if not here:
        return '<span class="muted" title="not checked for this target">–</span>'
    loud = ("violated", "vacuous", "unknown")
    told = [result for result in here if result.verdict in loud or result.as_claimed is False]
    if not told:
        shown = "holds" if any(each.verdict == "holds" for each in here) else here[0].verdict
        return fragments.badge(next(each for each in here if each.verdict == shown))
    return "<br>".join(
        f'<a href="{_to(each, links)}">{text(each.requirement, 60)}</a> {fragments.badge(each)}' for each in told
    )


def _to(result: Result, links: Links) -> str:
    return f"{links[result.file]}#{requirement_id(result.requirement, result.kind)}"


# --- clauses -----------------------------------------------------------------------------------------


def clause_id(clause: str) -> str:
    """The id of the row of a clause."""
    return anchor("clause", clause)


def matrix(report: Report, links: Links) -> str:
    """Clauses against the requirements that rest on them and their verdicts as written."""
    targets = fragments.targets(report.results)
    head = "".join(f'<th scope="col">{text(target)}</th>' for target in targets)
    columns = f'<thead><tr><th scope="col">clause</th><th scope="col">requirement</th>{head}</tr></thead>'
    groups = list(by_clause(report))
    bare = [result for result in report.results if not result.clauses]
    bodies = [_clause_rows(clause, members, targets, links) for clause, members in groups]
    if bare:
        bodies.append(_clause_rows("", bare, targets, links))
    out = ["<h1>Clauses and requirements</h1>"]
    out.append("<p>Which requirement rests on which clause, and its verdict for the program as written.</p>")
    table = f'<table class="matrix">{columns}{"".join(bodies)}</table>'
    out.append(_scroll("clauses and requirements", table) if bodies else "<p>No requirement is checked.</p>")
    left = uncovered(report)
    if left:
        out.append("<h2>Ordering clauses that no requirement cites</h2>")
        out.append("<p>What VirtIO says, or implies, about the order of accesses and nothing here rests on.</p><ul>")
        out += [f"<li>{text(each.id, 40)}: {text(each.paraphrase, 600)}</li>" for each in left]
        out.append("</ul>")
    return "\n".join(out)


def _clause_rows(clause: str, results: Sequence[Result], targets: Sequence[str], links: Links) -> str:
    members: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        members.setdefault((result.file, result.requirement, result.kind), []).append(result)
    name = f"{text(clause)}<br><span class='muted'>{text(meaning(clause))}</span>" if clause else "no clause"
    rows = []
    for number, group in enumerate(members.values()):
        first = f'<th scope="rowgroup" rowspan="{len(members)}">{name}</th>' if number == 0 else ""
        link = f'<a href="{_to(group[0], links)}">{text(group[0].requirement, 80)}</a>'
        spec = f'<br><span class="muted">{text(group[0].spec, 80)}</span>'
        base = {each.target: each for each in group if each.variant is None}
        cells = "".join(f"<td>{fragments.badge(base[each]) if each in base else ''}</td>" for each in targets)
        rows.append(f"<tr>{first}<td>{link}{spec}</td>{cells}</tr>")
    return f'<tbody id="{clause_id(clause)}">{"".join(rows)}</tbody>'
