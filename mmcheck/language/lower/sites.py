"""Named statements: finding them in functions and agents, and rewriting the tree at one of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from mmcheck.base.records import fields, record, replace
from mmcheck.language.lower.names import Declarations, near, problem
from mmcheck.language.lower.statements import site_of
from mmcheck.language.syntax import ast

_N = TypeVar("_N", bound=ast.Node)


@record
class Site:
    """A statement, and the function or agent that it stands in."""

    owner: ast.FnDecl | ast.Agent
    statement: ast.Stmt
    name: str

    @property
    def path(self) -> str:
        return f"{self.owner.name.text}.{self.name}"


def statements(block: ast.Block) -> Iterator[ast.Stmt]:
    """Every statement of `block`, outer ones first."""
    return (node for node in ast.walk(block) if isinstance(node, ast.Stmt))


def sites(table: Declarations) -> Iterator[Site]:
    """Every statement that has a name."""
    owners: list[ast.FnDecl | ast.Agent] = [*table.functions.values(), *table.agents.values()]
    for owner in owners:
        for statement in statements(owner.body):
            if site_of(statement):
                yield Site(owner, statement, site_of(statement))


def find(table: Declarations, path: ast.SitePath) -> Site:
    """The one statement that `path` names; a problem if there is none, or more than one."""
    names = [name.text for name in path.names]
    if path.index is not None or len(names) > 2:
        raise problem("MM206", f"'{path}' is no site: write 'label' or 'function.label'", path.span)
    known = list(sites(table))
    found = [each for each in known if each.name == names[-1]]
    if len(names) == 2:
        found = [each for each in found if each.owner.name.text == names[0]] or _lone_store(table, *names)
    if len(found) == 1:
        return found[0]
    if found:
        raise _ambiguous(path, found)
    name = names[-1]
    if name in table.gone:
        raise problem("MM206", f"no statement is named '{name}' any more: '{table.gone[name]}' took it away", path.span)
    owners = [*table.functions, *table.agents]
    if len(names) == 2 and names[0] not in owners:
        message = f"no function and no agent is named '{names[0]}'{near(names[0], owners)}"
        raise problem("MM206", message, path.names[0].span)
    within = [each.name for each in known if len(names) == 1 or each.owner.name.text == names[0]]
    where = f" in '{names[0]}'" if len(names) == 2 else ""
    hint = "name one with 'label: statement'"
    raise problem("MM206", f"no statement{where} is named '{name}'{near(name, within)}", path.span, hint)


def _ambiguous(path: ast.SitePath, found: list[Site]) -> Exception:
    lines = [f"{each.path} (line {each.statement.span.line})" for each in found]
    message = f"'{path}' names {len(found)} statements: {', '.join(lines)}"
    owners = {each.owner.name.text for each in found}
    hint = f"write '{found[0].path}'" if len(owners) == len(found) else "give the one that is meant a label"
    return problem("MM223", message, path.span, hint)


def _lone_store(table: Declarations, owner: str, place: str) -> list[Site]:
    """In an ``asm thread``: the only store to the location `place`."""
    agent = table.agents.get(owner)
    if agent is None or agent.kind != "asm thread":
        return []
    return [Site(agent, each, place) for each in statements(agent.body) if _stored(each) == place]


def _stored(statement: ast.Stmt) -> str:
    target: ast.Expr | None = None
    match statement:
        case ast.Assign(target=where):
            target = where
        case ast.ExprStmt(call=ast.MethodCall(receiver=where)):
            target = where
    while isinstance(target, ast.Index | ast.Field):
        target = target.base
    return target.text if isinstance(target, ast.Name) else ""


# --- rewriting -------------------------------------------------------------------------------------------


def put(table: Declarations, site: Site, new: tuple[ast.Stmt, ...]) -> None:
    """Let `new` stand where the statement of `site` stood."""
    body = _in_block(site.owner.body, site.statement, new)
    assert body is not None
    name = site.owner.name.text
    if isinstance(site.owner, ast.FnDecl):
        table.functions[name] = replace(site.owner, body=body)
    else:
        table.agents[name] = replace(site.owner, body=body)


def _in_block(block: ast.Block, old: ast.Stmt, new: tuple[ast.Stmt, ...]) -> ast.Block | None:
    """`block` with `new` for `old`, or None if it is not in there."""
    for position, statement in enumerate(block.statements):
        if statement is old:
            around = (*block.statements[:position], *new, *block.statements[position + 1 :])
            return replace(block, statements=around)
        changed = _in_statement(statement, old, new)
        if changed is not None:
            around = (*block.statements[:position], changed, *block.statements[position + 1 :])
            return replace(block, statements=around)
    return None


def _in_statement(statement: ast.Stmt, old: ast.Stmt, new: tuple[ast.Stmt, ...]) -> ast.Stmt | None:
    for each in fields(statement):
        inner = getattr(statement, each.name)
        if isinstance(inner, ast.Block):
            changed = _in_block(inner, old, new)
            if changed is not None:
                changes: dict[str, Any] = {each.name: changed}
                return replace(statement, **changes)
    return None


def substitute(node: _N, old: ast.Node, new: ast.Node) -> _N:
    """`node` with `new` in the place of the very node `old`."""
    if node is old:
        return new  # type: ignore[return-value]
    changes: dict[str, Any] = {}
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, ast.Node):
            inner: Any = substitute(value, old, new)
        elif isinstance(value, tuple) and value and isinstance(value[0], ast.Node):
            inner = tuple(substitute(part, old, new) for part in value)
            if all(a is b for a, b in zip(inner, value, strict=True)):
                inner = value
        else:
            continue
        if inner is not value:
            changes[each.name] = inner
    return replace(node, **changes) if changes else node
