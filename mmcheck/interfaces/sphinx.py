"""The Sphinx extension: verdicts and pictures of specifications in documentation, checked when it is built.

A domain ``mm`` with the directive ``mm:litmus``, which shows a specification or one requirement of it, and the role of
the same name, which links there. Whatever is not as the file claims, or not as ``:expect:`` says, is a warning of the
type ``mmcheck.verdict``, so that ``sphinx-build -W`` fails. Verdicts come from the cache where they can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.domains import Domain, ObjType
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_id, make_refnode

from mmcheck._version import __version__
from mmcheck.base import cache, includes
from mmcheck.base.source import printable
from mmcheck.interfaces.pygments_lexers import CatLexer, SpecLexer
from mmcheck.report import pictures, story, table
from mmcheck.report.draw.metrics import clean
from mmcheck.report.draw.svg import render_svg
from mmcheck.report.draw.text import render_text
from mmcheck.report.words import BASE, claim, verdict
from mmcheck.verdict import incremental
from mmcheck.verdict.question import Question
from mmcheck.verdict.results import MEANING, Report, Result

if TYPE_CHECKING:
    from docutils.nodes import Element, Node
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.builders import Builder
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata

logger = logging.getLogger(__name__)


def _verdict_option(argument: str | None) -> str:
    return str(directives.choice(argument or "", tuple(MEANING)))


class LitmusDirective(SphinxDirective):
    """``.. mm:litmus:: specs/a.litmus`` with its verdicts and the runs behind violations.

    The path is relative to the document, or to the source folder if it begins with ``/``.
    """

    required_arguments = 1
    optional_arguments = 0
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {
        "requirement": directives.unchanged_required,
        "variant": directives.unchanged_required,
        "target": directives.unchanged_required,
        "expect": _verdict_option,
        "caption": directives.unchanged,
        "name": directives.unchanged,
        "program": directives.flag,
        "no-graph": directives.flag,
    }

    def run(self) -> list[Node]:
        relative, path = self.env.relfn2path(self.arguments[0])
        parts = includes.closure(path)
        for name, _ in parts:
            self.env.note_dependency(name)
        if parts[0][1] is None:
            return self._problem(f"there is no file {relative}")
        report = self._report(path)
        for file in report.files:
            for diagnostic in file.diagnostics:
                self._warn(diagnostic.concise(), "spec")
        chosen = [result for result in report.results if self._wanted(result)]
        if not chosen and not any(file.diagnostics for file in report.files):
            return self._problem(f"no result of {relative} fits what is asked for")
        for result in chosen:
            self._judge(result)
        return list(self._content(Path(path), chosen, parts[0][1]))

    def _report(self, path: str) -> Report:
        targets = tuple(self.config.mmcheck_targets)
        question = Question(targets, bound=self.config.mmcheck_bound, compiler=self.config.mmcheck_compiler)
        return incremental.verify([path], question, store=cache.store(not self.config.mmcheck_cache))

    def _wanted(self, result: Result) -> bool:
        options = self.options
        return (
            options.get("requirement") in (None, result.requirement)
            and options.get("variant") in (None, result.variant or BASE)
            and options.get("target") in (None, result.target)
        )

    def _judge(self, result: Result) -> None:
        """Warn if the verdict is not what the page or the file says."""
        expected = self.options.get("expect")
        if expected is not None and result.verdict != expected:
            self._warn(f"expected to be {expected}: {story.subject(result)} is {result.verdict}", "verdict")
        elif expected is None and result.as_claimed is not True:
            self._warn(story.headline(result), "verdict")

    def _warn(self, text: str, kind: str) -> None:
        logger.warning(text, location=self.get_location(), type="mmcheck", subtype=kind)

    def _problem(self, text: str) -> list[Node]:
        self._warn(text, "spec")
        return [nodes.paragraph("", text, classes=["mmcheck-problem"])]

    # --- what is shown -------------------------------------------------------------------------------

    def _content(self, path: Path, results: Sequence[Result], source: bytes) -> Iterator[Node]:
        name = self.options.get("name") or path.stem
        if not self.options.get("name") and "requirement" in self.options:
            name += f":{self.options['requirement']}"
        where = make_id(self.env, self.state.document, "mm", name)
        title = self.options.get("caption") or (results[0].spec if results else path.stem)
        if "requirement" in self.options and "caption" not in self.options and results:
            title = f"{results[0].spec}: {results[0].requirement}"
        domain = self.env.domains["mm"]
        assert isinstance(domain, MmDomain)
        domain.note(name, self.env.docname, where, title, self.get_location())
        target = nodes.target("", "", ids=[where])
        self.state.document.note_explicit_target(target)
        yield target
        yield nodes.rubric(title, title)
        if "requirement" in self.options and results:
            yield from _sentence(results[0])
        if "program" in self.options:
            text = source.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
            yield nodes.literal_block(text, text, language="mmcheck")
        if results:
            yield _table(results)
        if "no-graph" not in self.options:
            for number, result in enumerate(results):
                yield from _picture(result, f"{where}-{number}-")


def _sentence(result: Result) -> Iterator[Node]:
    if result.says:
        yield nodes.paragraph("", clean(result.says, story.TEXT))
    if result.clauses:
        text = clean("; ".join(result.clauses), story.TEXT)
        yield nodes.paragraph("", "", nodes.emphasis("", text))


def _table(results: Sequence[Result]) -> Node:
    """Requirement and variant down, targets across; plain docutils, so that every builder shows it."""
    targets = list(dict.fromkeys(result.target for result in results))
    rows = [["requirement", "program", *targets]]
    for name, members in table.rows(results):
        for variant in dict.fromkeys(result.variant for result in members):
            row = {result.target: result for result in members if result.variant == variant}
            title = "as written" if variant is None else f"“{clean(variant, story.NAME)}”"
            cells = [_verdict(row[each]) if each in row else "" for each in targets]
            rows.append([clean(name, story.NAME), title, *cells])
    group = nodes.tgroup(cols=len(rows[0]))
    group += [nodes.colspec(colwidth=min(40, max(map(len, column)) + 2)) for column in zip(*rows, strict=True)]
    group += nodes.thead("", _row(rows[0]))
    group += nodes.tbody("", *map(_row, rows[1:]))
    return nodes.table("", group, classes=["mmcheck"])


def _verdict(result: Result) -> str:
    return verdict(result) if result.as_claimed is not False else f"{verdict(result)}, {claim(result)}"


def _row(cells: Iterable[str]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", cell)) for cell in cells))


def _picture(result: Result, prefix: str) -> Iterator[Node]:
    """The run: SVG on web pages, text everywhere else."""
    scene = pictures.scene(result)
    if scene is None:
        return
    svg = f'<div class="mmcheck-run" style="overflow-x: auto">{render_svg(scene, prefix=prefix)}</div>'
    yield addnodes.only("", nodes.raw("", svg, format="html"), expr="html")
    drawing = render_text(scene, width=76).strip("\n")
    yield addnodes.only("", nodes.literal_block(drawing, drawing, language="none"), expr="not html")
    yield nodes.paragraph("", printable(story.cause(result)))


# --- the domain --------------------------------------------------------------------------------------


class MmDomain(Domain):
    """Specifications and requirements that pages show, by name: ``submit`` or ``submit:published``."""

    name = "mm"
    label = "mmcheck"
    object_types: ClassVar[dict[str, ObjType]] = {"litmus": ObjType("specification", "litmus")}
    directives: ClassVar[dict[str, Any]] = {"litmus": LitmusDirective}
    roles: ClassVar[dict[str, Any]] = {"litmus": XRefRole(warn_dangling=True)}
    initial_data: ClassVar[dict[str, Any]] = {"objects": {}}
    data_version = 1
    dangling_warnings: ClassVar[dict[str, str]] = {"litmus": "no page shows the specification %(target)s"}

    @property
    def objects(self) -> dict[str, tuple[str, str, str]]:
        """Page, id and title by name."""
        found: dict[str, tuple[str, str, str]] = self.data.setdefault("objects", {})
        return found

    def note(self, name: str, page: str, where: str, title: str, location: str) -> None:
        """Remember where `name` is shown; the first place is linked to."""
        known = self.objects.get(name)
        if known is not None and known[:2] != (page, where):
            text = f"the specification {name} is shown twice; also in {known[0]}; give one a :name:"
            logger.warning(text, location=location, type="mmcheck", subtype="name")
            return
        self.objects[name] = (page, where, title)

    def clear_doc(self, docname: str) -> None:
        for name in [name for name, (page, _, _) in self.objects.items() if page == docname]:
            del self.objects[name]

    def merge_domaindata(self, docnames: Iterable[str], otherdata: dict[str, Any]) -> None:
        pages = set(docnames)
        for name, (page, where, title) in otherdata["objects"].items():
            if page in pages:
                self.note(name, page, where, title, page)

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: pending_xref,
        contnode: Element,
    ) -> nodes.reference | None:
        found = self.objects.get(target)
        if found is None:
            return None
        page, where, title = found
        text: Element = contnode if node.get("refexplicit") else nodes.inline("", title)
        return make_refnode(builder, fromdocname, page, where, text, title)

    def resolve_any_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        target: str,
        node: pending_xref,
        contnode: Element,
    ) -> list[tuple[str, nodes.reference]]:
        found = self.resolve_xref(env, fromdocname, builder, "litmus", target, node, contnode)
        return [] if found is None else [("mm:litmus", found)]

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        for name, (page, where, title) in self.objects.items():
            yield name, title, "litmus", page, where, 1


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the domain, the lexers and the settings."""
    app.add_domain(MmDomain)
    app.add_lexer("mmcheck", SpecLexer)
    app.add_lexer("litmus", SpecLexer)
    app.add_lexer("cat", CatLexer)
    app.add_config_value("mmcheck_targets", [], "env", types=frozenset({list, tuple}))
    app.add_config_value("mmcheck_bound", 2, "env", types=frozenset({int}))
    app.add_config_value("mmcheck_compiler", "observed", "env", types=frozenset({str}))
    app.add_config_value("mmcheck_cache", True, "", types=frozenset({bool}))
    return {"version": __version__, "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
