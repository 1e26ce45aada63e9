"""From the parser's reductions to the tree: one method per rule of ``dsl.lark``.

The parser hands over each reduction once, from the leaves up, so nothing here recurses over the
text. What a grammar cannot see (a comparison of a comparison, ``x == 1`` as a statement) is found
here and collected; the tree is then complete all the same.
"""

from __future__ import annotations

from typing import Any, get_args

from mmcheck.base.errors import Diagnostic
from mmcheck.base.records import replace
from mmcheck.base.source import Span
from mmcheck.language.syntax import ast
from mmcheck.language.syntax.build_expr import (
    Child,
    ExpressionBuilder,
    Leaf,
    Part,
    all_of,
    end_of,
    first_of,
    has_leaf,
    part_of,
    start_of,
    type_of,
)
from mmcheck.language.syntax.place import near
from mmcheck.language.syntax.vocabulary import FOREIGN, STATEMENTS

MAX_TREE_DEPTH = 250
"""Nodes above each other; what walks the tree may recurse."""


class Builder(ExpressionBuilder):
    """The rules of files, declarations, variants and statements."""

    # ---- file ----

    def _rule_start(self, children: list[Child]) -> ast.File:
        items: list[ast.Item] = []
        for child in children:
            if isinstance(child, Part):
                items.extend(child.value)
            else:
                items.append(child)
        return ast.File(tuple(items), span=Span(self.file, 0, len(self.file.text)))

    def _rule_spec(self, children: list[Child]) -> Part:
        spec = ast.Spec(children[1], span=self.span(children[:2]))
        return self.part("spec", (spec, *children[2:]), children)

    def _rule_targets(self, children: list[Child]) -> ast.Targets:
        return ast.Targets(all_of(children, ast.Target), span=self.span(children))

    def _rule_target(self, children: list[Child]) -> ast.Target:
        leaf: Leaf = children[0]
        if leaf.type == "TEXT":
            return ast.Target(leaf.text[1:-1], True, span=self.span(children))
        return ast.Target(leaf.text, span=self.span(children))

    def _rule_include(self, children: list[Child]) -> ast.Include:
        return ast.Include(children[1], span=self.span(children))

    def _rule_mirrors(self, children: list[Child]) -> ast.Mirrors:
        return ast.Mirrors(children[1], span=self.span(children))

    def _rule_without(self, children: list[Child]) -> ast.Without:
        return ast.Without(children[1].value, span=self.span(children))

    def _rule_idents(self, children: list[Child]) -> Part:
        return self.part("idents", tuple(children), children)

    def _rule_ident(self, children: list[Child]) -> ast.Ident:
        return ast.Ident(children[0].text, span=self.span(children))

    def _rule_text(self, children: list[Child]) -> ast.Text:
        return ast.Text(children[0].text[1:-1], span=self.span(children))

    # ---- declarations ----

    def _rule_override(self, children: list[Child]) -> ast.Declaration:
        declaration: ast.Const | ast.FnDecl | ast.Agent = children[1]
        return replace(declaration, override=True, span=self.span(children))

    def _rule_const(self, children: list[Child]) -> ast.Const:
        return ast.Const(children[1], type_of(children), self._expression(children[-1]), span=self.span(children))

    def _rule_struct(self, children: list[Child]) -> ast.StructDecl:
        return ast.StructDecl(children[1], all_of(children, ast.Variable), span=self.span(children))

    def _rule_storage(self, children: list[Child]) -> ast.Storage:
        return ast.Storage(children[0].text, all_of(children, ast.Variable), span=self.span(children))

    def _rule_variable(self, children: list[Child]) -> ast.Variable:
        dims = tuple(child.value for child in children if isinstance(child, Part) and child.rule == "dim")
        fields, init = part_of(children, "record"), part_of(children, "initial")
        return ast.Variable(children[0], dims, type_of(children), fields, init, span=self.span(children))

    def _rule_record(self, children: list[Child]) -> Part:
        return self.part("record", all_of(children, ast.Variable), children)

    def _rule_dim(self, children: list[Child]) -> Part:
        return self.part("dim", self._expression(children[0]), children)

    def _rule_initial(self, children: list[Child]) -> Part:
        return self.part("initial", self._expression(children[1]), children)

    def _rule_pointer_type(self, children: list[Child]) -> ast.PointerType:
        return ast.PointerType(children[1], span=self.span(children))

    def _rule_named_type(self, children: list[Child]) -> ast.NamedType:
        return ast.NamedType(children[0].text, span=self.span(children))

    def _rule_latch_type(self, children: list[Child]) -> ast.LatchType:
        return ast.LatchType(type_of(children), span=self.span(children))

    def _rule_requirement(self, children: list[Child]) -> ast.Requirement:
        name: ast.Ident = children[1]
        if name.text in get_args(ast.Verdict):
            self.report(
                "MM122",
                f"a requirement cannot be named '{name.text}': that is a verdict",
                name.span.start,
                name.span.end,
            )
        cites = tuple(
            text for child in children if isinstance(child, Part) and child.rule == "cites" for text in child.value
        )
        says = all_of(children, ast.Says)
        for again in says[1:]:
            self.report("MM121", "a requirement says one sentence", again.span.start, again.span.end)
        checks = tuple(child for child in children if isinstance(child, ast.Check))
        return ast.Requirement(name, cites, says[0].text if says else None, checks, span=self.span(children))

    def _rule_cites(self, children: list[Child]) -> Part:
        return self.part("cites", tuple(children[1:]), children)

    def _rule_says(self, children: list[Child]) -> ast.Says:
        return ast.Says(children[1], span=self.span(children))

    def _rule_forall(self, children: list[Child]) -> ast.Forall:
        return ast.Forall(children[1], span=self.span(children))

    def _rule_exists(self, children: list[Child]) -> ast.Exists:
        return ast.Exists(children[1], span=self.span(children))

    def _rule_not_exists(self, children: list[Child]) -> ast.NotExists:
        return ast.NotExists(children[2], span=self.span(children))

    def _rule_ordered(self, children: list[Child]) -> ast.OrderedCheck:
        return ast.OrderedCheck(children[1], children[3], span=self.span(children))

    def _rule_progress(self, children: list[Child]) -> ast.Progress:
        return ast.Progress(all_of(children, ast.SitePath), span=self.span(children))

    def _rule_path(self, children: list[Child]) -> ast.SitePath:
        return ast.SitePath(all_of(children, ast.Ident), part_of(children, "index"), span=self.span(children))

    def _rule_fn(self, children: list[Child]) -> ast.FnDecl:
        mirrors = first_of(children, ast.Mirrors)
        return ast.FnDecl(
            children[1],
            all_of(children, ast.Param),
            part_of(children, "result"),
            children[-1],
            mirrors.source if mirrors else None,
            span=self.span(children),
        )

    def _rule_result(self, children: list[Child]) -> Part:
        return self.part("result", children[1], children)

    def _rule_param(self, children: list[Child]) -> ast.Param:
        return ast.Param(children[0], type_of(children), span=self.span(children))

    def _rule_agent(self, children: list[Child]) -> ast.Agent:
        kind: ast.AgentKind = "asm thread" if children[0].type == "ASM" else children[0].text
        name = first_of(children, ast.Ident)
        assert name is not None
        options: dict[str, Any] = {}
        for child in children:
            if not isinstance(child, Part) or child.rule != "agent_option":
                continue
            option, value = child.value
            words = option.replace("_", " ")
            if option in options:
                self.report("MM121", f"'{words}' stands twice", child.start, child.end)
            elif "mirrors" in options:
                self.report("MM121", f"'{words}' stands before 'mirrors'", child.start, child.end)
            elif option in ("at_most", "when_raised", "nests") and kind != "interrupt":
                self.report("MM121", f"'{words}' is for an interrupt, not for a {kind}", child.start, child.end)
            options[option] = value
        cpu = options.pop("on_cpu", None)
        index_range = first_of(children, ast.IndexRange)
        return ast.Agent(kind, name, children[-1], index_range, cpu, span=self.span(children), **options)

    def _rule_index_range(self, children: list[Child]) -> ast.IndexRange:
        return ast.IndexRange(children[0], children[2], children[3], span=self.span(children))

    def _rule_agent_option(self, children: list[Child]) -> Part:
        option = children[0]
        if isinstance(option, ast.Mirrors):
            return self.part("agent_option", ("mirrors", option.source), children)
        return self.part("agent_option", (option.rule, option.value), children)

    def _rule_on_cpu(self, children: list[Child]) -> Part:
        return self.part("on_cpu", children[2], children)

    def _rule_at_most(self, children: list[Child]) -> Part:
        return self.part("at_most", children[2], children)

    def _rule_when_raised(self, children: list[Child]) -> Part:
        return self.part("when_raised", True, children)

    def _rule_nests(self, children: list[Child]) -> Part:
        return self.part("nests", True, children)

    def _rule_expect(self, children: list[Child]) -> ast.Expect:
        verdict = next(child for child in children if isinstance(child, Leaf) and child.type != "EXPECT")
        layer: ast.Ident | None = part_of(children, "layer")
        layers = get_args(ast.Layer)
        if layer is not None and layer.text not in layers:
            guess = near(layer.text, layers)
            self.report(
                "MM123",
                f"unknown layer '{layer.text}'" + (f"; did you mean '{guess}'?" if guess else ""),
                layer.span.start,
                layer.span.end,
                "the layers are 'compiler', 'hardware' and 'platform'",
            )
        return ast.Expect(
            part_of(children, "idents") or (),
            verdict.text,  # type: ignore[arg-type]
            layer.text if layer is not None else None,  # type: ignore[arg-type]
            part_of(children, "on") or (),
            span=self.span(children),
        )

    def _rule_layer(self, children: list[Child]) -> Part:
        return self.part("layer", children[1], children)

    def _rule_on(self, children: list[Child]) -> Part:
        return self.part("on", all_of(children, ast.Target), children)

    # ---- variants ----

    def _rule_variant(self, children: list[Child]) -> ast.Variant:
        brace = next(i for i, child in enumerate(children) if isinstance(child, Leaf) and child.type == "LBRACE")
        head, items = children[:brace], children[brace + 1 : -1]
        targets = all_of(head, ast.Targets)
        bases = [child for child in head if isinstance(child, Part)]
        for again in (*targets[1:], *bases[1:]):
            self.report("MM121", "this stands twice in the head of the variant", start_of(again), end_of(again))
        return ast.Variant(
            children[1],
            bases[0].value if bases else None,
            targets[0].targets if targets else (),
            tuple(items),
            span=self.span(children),
        )

    def _rule_from(self, children: list[Child]) -> Part:
        return self.part("from", children[1], children)

    def _rule_replace(self, children: list[Child]) -> ast.Replace:
        return ast.Replace(all_of(children, ast.SitePath), children[-1], span=self.span(children))

    def _rule_drop(self, children: list[Child]) -> ast.Drop:
        return ast.Drop(all_of(children, ast.SitePath), span=self.span(children))

    def _rule_add(self, children: list[Child]) -> ast.Add:
        return ast.Add(children[1], children[2].text, children[3], span=self.span(children))

    def _rule_move(self, children: list[Child]) -> ast.Move:
        return ast.Move(children[1], children[2].text, children[3], span=self.span(children))

    def _rule_set(self, children: list[Child]) -> ast.SetOrder:
        order = ast.Ident(children[-1].text, span=self.span(children[-1:]))
        return ast.SetOrder(all_of(children, ast.SitePath), order, span=self.span(children))

    # ---- statements ----

    def _rule_block(self, children: list[Child]) -> ast.Block:
        return ast.Block(all_of(children, ast.Stmt), span=self.span(children))

    def _rule_statement(self, children: list[Child]) -> ast.Stmt:
        statement = first_of(children, ast.Stmt)
        assert statement is not None
        if len(children) == 1:
            return statement
        anchor = children[-1] if isinstance(children[-1], Leaf) else None
        line = None
        if anchor is not None:
            line = self._integer(anchor.text[1:], anchor.start, anchor.end)
        return replace(statement, label=first_of(children, ast.Ident), anchor=line, span=self.span(children))

    def _rule_let(self, children: list[Child]) -> ast.Let:
        name = first_of(children, ast.Ident)
        assert name is not None
        value = self._expression(children[-1])
        return ast.Let(name, type_of(children), value, has_leaf(children, "MUT"), span=self.span(children))

    def _rule_assign(self, children: list[Child]) -> ast.Assign:
        target, sign = children[0], children[1]
        if not isinstance(target, ast.Name | ast.Index | ast.Field | ast.Deref):
            self.report(
                "MM117",
                "this cannot be stored to",
                target.span.start,
                target.span.end,
                "a store goes to a name, an element, a field or through a pointer",
            )
        op = sign.text[:-1] or None
        return ast.Assign(target, self._expression(children[2]), op, span=self.span(children))

    def _rule_expression(self, children: list[Child]) -> ast.ExprStmt:
        value: ast.Expr = children[0]
        if not isinstance(value, ast.Call | ast.MethodCall):
            self._no_effect(value)
        return ast.ExprStmt(value, span=self.span(children))  # type: ignore[arg-type]

    def _no_effect(self, value: ast.Expr) -> None:
        if isinstance(value, ast.Binary) and value.op == "==":
            at = self.file.text.index("==", value.left.span.end)
            self.report("MM110", "'==' compares; a store is '='", at, at + 2, "write '=' here")
            return
        start, end = value.span.start, value.span.end
        if isinstance(value, ast.Name):
            if value.text in FOREIGN:
                self.report("MM125", FOREIGN[value.text], start, end)
                return
            if guess := near(value.text, STATEMENTS):
                self.report("MM103", f"unknown word '{value.text}'; did you mean '{guess}'?", start, end)
                return
            help = f"'let a = {value.text}' keeps the value, '{value.text}()' calls a function"
        else:
            help = "'let a = …' keeps the value"
        self.report("MM118", "a value alone is no statement", start, end, help)

    def _rule_if(self, children: list[Child]) -> ast.If:
        end = end_of(children[-1])
        otherwise = part_of(children, "else")
        for child in reversed(children):
            if isinstance(child, Part) and child.rule == "elif":
                at, condition, then = child.value
                span = Span(self.file, at, end)
                otherwise = ast.Block((ast.If(condition, then, otherwise, span=span),), span=span)
        return ast.If(children[1], children[2], otherwise, span=self.span(children))

    def _rule_elif(self, children: list[Child]) -> Part:
        return self.part("elif", (children[1].start, children[2], children[3]), children)

    def _rule_else(self, children: list[Child]) -> Part:
        return self.part("else", children[1], children)

    def _rule_while(self, children: list[Child]) -> ast.While:
        return ast.While(children[1], children[2], span=self.span(children))

    def _rule_loop(self, children: list[Child]) -> ast.Loop:
        return ast.Loop(children[1], span=self.span(children))

    def _rule_repeat(self, children: list[Child]) -> ast.Repeat:
        return ast.Repeat(children[1], children[2], span=self.span(children))

    def _rule_for(self, children: list[Child]) -> ast.For:
        return ast.For(children[1], children[3], children[4], children[5], span=self.span(children))

    def _rule_break(self, children: list[Child]) -> ast.Break:
        return ast.Break(span=self.span(children))

    def _rule_return(self, children: list[Child]) -> ast.Return:
        return ast.Return(children[1] if len(children) > 1 else None, span=self.span(children))

    def _rule_await(self, children: list[Child]) -> ast.Await:
        condition = next(child for child in children if isinstance(child, ast.Expr))
        limit, otherwise = part_of(children, "within") or (None, None)
        return ast.Await(condition, first_of(children, ast.Block), limit, otherwise, span=self.span(children))

    def _rule_within(self, children: list[Child]) -> Part:
        return self.part("within", (children[1], children[2].value), children)

    def _rule_assert(self, children: list[Child]) -> ast.Assert:
        return ast.Assert(children[1], part_of(children, "claim"), span=self.span(children))

    def _rule_claim(self, children: list[Child]) -> Part:
        return self.part("claim", children[1], children)

    def _rule_raise(self, children: list[Child]) -> ast.Raise:
        return ast.Raise(children[1], span=self.span(children))

    def _rule_nothing(self, children: list[Child]) -> ast.Nothing:
        return ast.Nothing(span=self.span(children))

    def _rule_on_targets(self, children: list[Child]) -> ast.OnTargets:
        return ast.OnTargets(all_of(children, ast.Target), children[-1], span=self.span(children))


def check_depth(file: ast.File) -> Diagnostic | None:
    """What to say of a tree deeper than `MAX_TREE_DEPTH`, at the first node below it."""
    stack: list[tuple[ast.Node, int]] = [(file, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_TREE_DEPTH:
            return Diagnostic("MM004", "this is nested too deeply", node.span, "name a part of it with 'let'")
        stack.extend((child, depth + 1) for child in ast.children(node))
    return None
