"""Variants: edits of named statements, and what a variant declares on its own."""

from __future__ import annotations

from mmcheck.base.records import record, replace
from mmcheck.base.source import Span
from mmcheck.language.lower.declare import check_labels, declare
from mmcheck.language.lower.names import Declarations, Problem, Reporter, near, problem
from mmcheck.language.lower.sites import Site, find, put, substitute
from mmcheck.language.lower.statements import site_of
from mmcheck.language.syntax import ast
from mmcheck.target.targets import Target, parse_target
from mmcheck.target.words import METHODS, WORDS, normal_order, unknown_order


@record
class VariantInfo:
    """A variant as others see it; `targets` None means all of the file's."""

    title: str
    targets: tuple[Target, ...] | None
    says: str
    span: Span
    base: str | None = None
    """The variant that it starts from; None: the program as written."""


class Variants:
    """The variants of one file by title, and the declarations of each."""

    def __init__(self, base: Declarations, nodes: tuple[ast.Variant, ...], reporter: Reporter) -> None:
        self._reporter = reporter
        self._nodes: dict[str, ast.Variant] = {}
        self.infos: dict[str, VariantInfo] = {}
        self.tables: dict[str, Declarations] = {}
        self._circular: set[str] = set()
        for node in nodes:
            title = node.title.value
            if title == "base" or title in self._nodes:
                what = "the program as written" if title == "base" else "another variant"
                reporter.report("MM234", f"'{title}' is the name of {what}", node.title.span)
            else:
                self._nodes[title] = node
        for title, node in self._nodes.items():
            with reporter.collect():
                self._build(title, node, base, [])

    def _build(self, title: str, node: ast.Variant, base: Declarations, chain: list[str]) -> Declarations:
        if title in self.tables:
            return self.tables[title]
        if title in self._circular:
            raise Problem(None)
        if title in chain:
            self._circular.update(chain)
            raise problem("MM234", f"variants start from each other: {' → '.join([*chain, title])}", node.title.span)
        start, targets = base, _targets(node, self._reporter)
        if node.base is not None:
            name = node.base.value
            parent = self._nodes.get(name)
            if parent is None:
                raise problem("MM234", f"no variant is named '{name}'{near(name, self._nodes)}", node.base.span)
            start = self._build(name, parent, base, [*chain, title])
            targets = targets or self.infos[name].targets
        table = start.copy()
        for item in node.items:
            with self._reporter.collect():
                apply(table, item, self._reporter)
        check_labels(table, self._reporter)
        says = " ".join(item.text.value for item in node.items if isinstance(item, ast.Says))
        self.infos[title] = VariantInfo(
            title, targets, says, node.title.span, None if node.base is None else node.base.value
        )
        self.tables[title] = table
        return table


def _targets(node: ast.Variant, reporter: Reporter) -> tuple[Target, ...] | None:
    found: list[Target] = []
    for each in node.targets:
        with reporter.collect():
            found.append(parse_target(each.name, each.span))
    return tuple(found) if node.targets else None


def apply(table: Declarations, item: ast.VariantItem, reporter: Reporter) -> None:
    """One item of a variant, done to `table`; raises `Problem`."""
    match item:
        case ast.Replace(sites=paths, statement=statement):
            for path in paths:
                site = find(table, path)
                put(table, site, (_named(statement, site),))
        case ast.Drop(sites=paths):
            for path in paths:
                site = find(table, path)
                put(table, site, ())
                table.gone[site.name] = "drop"
        case ast.Add(statement=statement, where=where, site=path):
            site = find(table, path)
            pair = (statement, site.statement) if where == "before" else (site.statement, statement)
            put(table, site, pair)
        case ast.Move():
            _move(table, item)
        case ast.SetOrder():
            for path in item.sites:
                _set_order(table, path, item.order)
        case ast.Const() | ast.StructDecl() | ast.Storage() | ast.Requirement() | ast.FnDecl() | ast.Agent():
            declare(table, item, reporter)
        case ast.Without():
            declare(table, item, reporter)


def _named(statement: ast.Stmt, site: Site) -> ast.Stmt:
    """`statement` under the name of the site that it replaces, unless it has its own."""
    if site_of(statement):
        return statement
    return replace(statement, label=ast.Ident(site.name, span=statement.span))


def _move(table: Declarations, item: ast.Move) -> None:
    moved, goal = find(table, item.moved), find(table, item.site)
    if moved.statement is goal.statement:
        raise problem("MM224", f"'{moved.name}' cannot be moved to itself", item.span)
    if any(node is goal.statement for node in ast.walk(moved.statement)):
        raise problem("MM224", f"'{goal.name}' stands inside of '{moved.name}'", item.span)
    put(table, moved, ())
    goal = find(table, item.site)
    pair = (moved.statement, goal.statement) if item.where == "before" else (goal.statement, moved.statement)
    put(table, goal, pair)


def _set_order(table: Declarations, path: ast.SitePath, order: ast.Ident) -> None:
    site = find(table, path)
    if normal_order(order.text) is None:
        raise problem("MM218", unknown_order(order.text), order.span)
    found: list[ast.Argument] = []
    for node in ast.walk(site.statement):
        if isinstance(node, ast.Call | ast.MethodCall):
            name = node.function.text if isinstance(node, ast.Call) else node.method.text
            word = WORDS.get(name) if isinstance(node, ast.Call) else METHODS.get(name)
            roles = word.roles() if word is not None else ()
            if "order" in roles and roles.index("order") < len(node.args):
                found.append(node.args[roles.index("order")])
    if len(found) != 1:
        message = f"'{site.name}' has {'no order' if not found else f'{len(found)} orders'} to set"
        raise problem("MM224", message, path.span, f"replace it: replace {path} with …")
    new = replace(found[0], value=ast.Name(order.text, span=order.span), span=order.span)
    put(table, site, (substitute(site.statement, found[0], new),))
