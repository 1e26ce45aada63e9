"""Declarations by name: duplicates, overrides, what the vocabulary owns, labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from mmcheck.base.source import Span
from mmcheck.language.lower.clauses import check_clause
from mmcheck.language.lower.names import Declarations, Reporter, StoredVariable, near
from mmcheck.language.syntax import ast
from mmcheck.target.words import WORDS

_T = TypeVar("_T")


def declare(table: Declarations, item: ast.Declaration | ast.Without, reporter: Reporter) -> None:
    """Add `item` to `table`; duplicates and overrides of nothing are reported."""
    match item:
        case ast.Const():
            _put(table.consts, item.name, item, item.override, "constant", reporter, also=table.variables)
        case ast.StructDecl():
            _put(table.structs, item.name, item, False, "struct", reporter)
        case ast.Storage():
            for each in item.variables:
                stored = StoredVariable(item.kind, each)
                _put(table.variables, each.name, stored, False, "location", reporter, also=table.consts)
        case ast.Requirement():
            _put(table.requirements, item.name, item, False, "requirement", reporter)
            check_citations(item, reporter)
        case ast.FnDecl():
            if check_vocabulary(item, item.name.text in table.functions, reporter):
                table.functions[item.name.text] = item
            else:
                _put(table.functions, item.name, item, item.override, "function", reporter)
        case ast.Agent():
            _put(table.agents, item.name, item, item.override, "agent", reporter)
        case ast.Without():
            for name in item.names:
                table.without[name.text] = name.span


def _put(
    entries: dict[str, _T],
    name: ast.Ident,
    item: _T,
    override: bool,
    what: str,
    reporter: Reporter,
    also: Mapping[str, object] | None = None,
) -> None:
    known = name.text in entries
    if override and not known:
        message = f"'override' of nothing: no {what} is named '{name.text}'{near(name.text, entries)}"
        reporter.report("MM203", message, name.span)
    elif known and not override:
        hint = _line(entries[name.text], name.span)
        if what in ("constant", "function", "agent"):
            hint += "; 'override' replaces it"
        reporter.report("MM202", f"the {what} '{name.text}' is defined twice", name.span, hint)
    elif also is not None and name.text in also:
        reporter.report("MM202", f"'{name.text}' is the name of a constant and of a location", name.span)
    entries[name.text] = item


def _line(item: object, span: Span) -> str:
    node = item.variable if isinstance(item, StoredVariable) else item
    if not isinstance(node, ast.Node):
        return ""
    first = node.span
    file = "" if first.file.path == span.file.path else f" of {first.file.path}"
    return f"first on line {first.line}{file}"


def check_vocabulary(item: ast.FnDecl, known: bool, reporter: Reporter) -> bool:
    """Whether `item` takes the name of a word for the first time; without ``override`` that is a mistake."""
    name = item.name
    if known or name.text not in WORDS:
        return False
    if not item.override:
        hint = f"'override fn {name.text}' replaces the word in this file"
        reporter.report("MM236", f"'{name.text}' is a word of the vocabulary", name.span, hint)
    return True


def check_citations(item: ast.Requirement, reporter: Reporter) -> None:
    """Every clause that `item` cites has a known form and number."""
    for cited in item.cites:
        found = check_clause(cited.value)
        if found is not None:
            reporter.report("MM208", found.message, cited.span, found.help)


def check_labels(table: Declarations, reporter: Reporter) -> None:
    """No label stands twice in one function or agent."""
    owners: list[ast.FnDecl | ast.Agent] = [*table.functions.values(), *table.agents.values()]
    for owner in owners:
        seen: dict[str, ast.Ident] = {}
        for node in ast.walk(owner.body):
            if not isinstance(node, ast.Stmt) or node.label is None:
                continue
            label = node.label
            if label.text in seen:
                hint = f"first on line {seen[label.text].span.line}"
                reporter.report("MM222", f"the label '{label.text}' is used twice", label.span, hint)
            else:
                seen[label.text] = label
