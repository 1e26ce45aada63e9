"""A compact text form of a tree, without spans: one line per node, indented."""

from __future__ import annotations

from mmcheck.base.records import fields
from mmcheck.language.syntax import ast


def dump(node: ast.Node) -> str:
    """`node` and everything under it; equal texts mean equal trees up to spans."""
    lines: list[str] = []
    _dump(node, "", "", lines)
    return "\n".join(lines) + "\n"


def _dump(node: ast.Node, indent: str, role: str, lines: list[str]) -> None:
    words: list[str] = []
    nested: list[tuple[str, ast.Node]] = []
    for each in fields(node):
        value = getattr(node, each.name)
        if each.name == "span" or value is None or value is False or (value == () and each.name != "fields"):
            continue
        if isinstance(value, ast.Ident):
            words.append(f"{each.name}={value.text}")
        elif isinstance(value, ast.Node):
            nested.append((f"{each.name}: ", value))
        elif isinstance(value, tuple):
            single = len(fields(node)) <= 3
            nested.extend((("" if single else f"{each.name}[{i}]: "), child) for i, child in enumerate(value))
        elif value is True and not isinstance(node, ast.Bool):
            words.append(each.name)
        else:
            words.append(f"{each.name}={value!r}")
    lines.append(" ".join([f"{indent}{role}{type(node).__name__}", *words]))
    for child_role, child in nested:
        _dump(child, indent + "  ", child_role, lines)
