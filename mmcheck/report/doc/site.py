"""A whole site: the names of its pages, and their texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from pathlib import Path

from mmcheck.base import gate
from mmcheck.report import matrix
from mmcheck.report.doc import overview, spec_page
from mmcheck.report.doc.fragments import text
from mmcheck.report.draw.metrics import clean
from mmcheck.verdict.results import Report

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Nothing on a page may run or be fetched, whatever a specification says."""

NAV = {"index.html": "Specifications", "programs.html": "Before and after", "clauses.html": "Clauses"}


def build(report: Report, parts: Mapping[str, list[spec_page.Part]], title: str) -> dict[str, str]:
    """The pages by path. `parts` are the files that each specification is made of, itself first."""
    links = _links([file.path for file in report.files])
    clause_links = {each: f"../clauses.html#{overview.clause_id(each)}" for each in matrix.clauses(report)}
    from_spec = {path: link.removeprefix("spec/") for path, link in links.items()}
    pages = {
        "index.html": _page("index.html", title, title, overview.start(report, links, title)),
        "programs.html": _page("programs.html", "Before and after", title, overview.programs(report, links)),
        "clauses.html": _page("clauses.html", "Clauses", title, overview.matrix(report, links)),
    }
    for file in report.files:
        name = next((result.spec for result in file.results), file.path)
        body = spec_page.body(file, parts.get(file.path, []), clause_links, from_spec)
        pages[links[file.path]] = _page(links[file.path], name, title, body)
    return pages


def _links(paths: Iterable[str]) -> dict[str, str]:
    """A page for each path, named after it; all different, also where case does not count."""
    links: dict[str, str] = {}
    for path in paths:
        stem = re.sub(r"[^A-Za-z0-9+]+", "-", path.removesuffix(".litmus")).strip("-")[-80:].strip("-") or "x"
        name, number = stem, 1
        taken = {link.lower() for link in links.values()}
        while f"spec/{name}.html".lower() in taken:
            number += 1
            name = f"{stem}-{number}"
        links[path] = f"spec/{name}.html"
    return links


@cache
def style() -> str:
    """The style sheet; every page holds it, so that a page can be moved alone."""
    return gate.own(Path(__file__).with_name("style.css")).decode()


def _page(path: str, heading: str, title: str, body: str) -> str:
    up = "../" * path.count("/")
    current = ' aria-current="page"'
    items = "".join(
        f'<li><a href="{up}{target}"{current if target == path else ""}>{name}</a></li>' for target, name in NAV.items()
    )
    label = escape(clean(heading, 120)) + (f" · {text(title, 60)}" if heading != title else "")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{label}</title>
<style>{style()}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><nav aria-label="pages"><ul>{items}</ul></nav></header>
<main id="main" tabindex="-1">
{body}
</main>
<footer>Made by mmcheck from the specifications; nothing here was written by hand.</footer>
</body>
</html>
"""
