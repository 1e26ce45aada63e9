"""Statements of functions and agents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.ir.polling import rereads
from mmcheck.language.lower import values
from mmcheck.language.lower.awaits import check_await
from mmcheck.language.lower.calls import raise_place, store_place
from mmcheck.language.lower.clauses import check_clause
from mmcheck.language.lower.code import Code, implicit
from mmcheck.language.lower.context import Context
from mmcheck.language.lower.expressions import single
from mmcheck.language.lower.names import Problem, near, problem
from mmcheck.language.lower.types import Scalar
from mmcheck.language.lower.values import Literal, RecordVal, Unknown, Val
from mmcheck.language.syntax import ast
from mmcheck.target.targets import applies_to, parse_target

MAX_TEXT = 60
"""Characters of a statement that are shown in a picture or a cycle."""

MAX_UNROLLED = 1000
"""Statements that `for` and `repeat` may make in one program."""

_NOISE = re.compile(r'("[^"]*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_ANCHOR = re.compile(r"\s*@\s*\d+$")


class Statements(Code):
    """Lowers the statements of one body; a statement with a mistake is reported and left out."""

    def __init__(
        self, context: Context, owner: str, result: Scalar | None = None, *, is_function: bool = False
    ) -> None:
        super().__init__(context, owner)
        self.result = result
        self.is_function = is_function
        self._loops = 0
        self._breaks = 0
        self._returns = 0
        self._unrolling = 0

    def block(self, block: ast.Block, *, scope: bool = True) -> tuple[ir.Statement, ...]:
        """The statements of `block`; with `scope` its registers end with it."""
        with self.frame.block() if scope else self.frame.aside() as out:
            self.statements(block.statements)
        return tuple(out)

    def statements(self, nodes: Sequence[ast.Stmt]) -> None:
        for node in nodes:
            outer = self.frame.origin
            self.frame.origin = ir.Origin(node.span, text_of(node), site_of(node))
            with self.context.reporter.collect():
                try:
                    if self._unrolling:
                        self._count_unrolled(node.span)
                    self._statement(node)
                except Problem:
                    if isinstance(node, ast.Let):
                        self.frame.bind(node.name.text, Unknown())
                    raise
            self.frame.origin = outer

    def _statement(self, node: ast.Stmt) -> None:
        match node:
            case ast.Let():
                self._let(node)
            case ast.Assign():
                self._assign(node)
            case ast.ExprStmt(call=call):
                self.invoke(call, wanted=False)
            case ast.If():
                self._if(node)
            case ast.While() | ast.Loop():
                self._loop(node)
            case ast.Repeat():
                self._repeat(node, self._rounds(self.context.number(node.count), node.count.span))
            case ast.For():
                self.check_name(node.name)
                first, last = self.context.number(node.start), self.context.number(node.end)
                count = self._rounds(last - first, node.start.span.to(node.end.span))
                named = any(isinstance(each, ast.Name) and each.text == node.name.text for each in ast.walk(node.body))
                if named:
                    self._unroll(node, range(first, last))
                else:
                    self._repeat(node, count)
            case ast.Break():
                if not self._loops:
                    raise problem("MM238", "'break' outside of a loop", node.span)
                self._breaks += 1
                self.emit(ir.Break(self.frame.origin))
            case ast.Return():
                self._return(node)
            case ast.Await():
                self._await(node)
            case ast.Assert():
                self._assert(node)
            case ast.Raise(place=place):
                raise_place(self, place)
            case ast.Nothing():
                open_site = self.alternatives(node.span)  # else a name for a place in the text; no event
                if open_site is not None:
                    self.accesses.choose(open_site, node.span)
            case ast.OnTargets():
                patterns = [parse_target(target.name, target.span) for target in node.targets]
                if any(applies_to(pattern, self.context.target) for pattern in patterns):
                    self.statements(node.body.statements)
            case _:
                raise AssertionError(node)

    # --- registers and memory ---

    def check_name(self, name: ast.Ident) -> None:
        """A register, parameter or loop name may not hide a location or a constant."""
        stored = self.context.declarations.variables.get(name.text)
        if stored is not None:
            message = f"a register may not have the name of the location '{name.text}'"
            raise problem("MM221", message, name.span, f"'{name.text} = …' stores; give the register another name")
        if name.text in self.context.declarations.consts:
            raise problem("MM221", f"a register may not have the name of the constant '{name.text}'", name.span)

    def _let(self, node: ast.Let) -> None:
        self.check_name(node.name)
        type_ = self.context.types.read(node.type) if node.type is not None else None
        if isinstance(node.value, ast.RecordLiteral) and type_ is not None:
            value: values.Value = self.record_literal(node.value, type_)
        else:
            value = self.value(node.value)
        self.bind(node.name.text, value, type_, node.value.span)

    def _assign(self, node: ast.Assign) -> None:
        target = node.target
        if isinstance(target, ast.Name):
            register = self._register(target)
            if register is not None:
                self._set_register(node, register)
                return
        record = isinstance(node.value, ast.RecordLiteral)
        value = None if record else self.hold(self.value(node.value), target)
        place = single(self.place(target))
        if node.op is not None and value is not None:
            old = self.read(place, target.span)
            value = self.operate(node.op, old, value, node.span, (target.span, node.value.span))
        if value is None:
            value = self.record_literal(node.value, place.type)
        store_place(self, place, value, implicit(place, "store"), (), "", node.value.span)

    def _register(self, target: ast.Name) -> Val | RecordVal | None:
        """The register, or the agent's own one, that `target` names."""
        found = self.frame.find(target.text)
        if isinstance(found, Literal):
            raise problem("MM237", f"'{target.text}' counts the rounds and cannot be set", target.span)
        if isinstance(found, Unknown):
            raise Problem(None)
        if found is not None:
            return found
        if target.text in self.context.layout.privates:
            private = self.context.layout.privates[target.text]
            return Val(private.register, private.type)
        if target.text in self.context.declarations.consts:
            raise problem("MM237", f"'{target.text}' is a constant and cannot be set", target.span)
        if target.text not in self.context.declarations.variables:
            message = f"nothing is named '{target.text}'{near(target.text, self.names())}"
            raise problem("MM200", message, target.span, f"a new register is 'let {target.text} = …'")
        return None

    def _set_register(self, node: ast.Assign, register: Val | RecordVal) -> None:
        if isinstance(register, RecordVal):
            raise problem("MM237", "a record in registers is set by a new 'let'", node.span)
        value = self.value(node.value)
        if node.op is not None:
            value = self.operate(node.op, register, value, node.span, (node.target.span, node.value.span))
        assert isinstance(register.expr, ir.Reg)
        self.set(register.expr, values.coerce(value, register.type, node.value.span).expr)

    # --- control ---

    def _if(self, node: ast.If) -> None:
        cond = self.condition(node.condition)
        if isinstance(cond, ir.Const):
            chosen = node.then if cond.value else node.otherwise
            if chosen is not None:
                for statement in self.block(chosen):
                    self.emit(statement)
            return
        then = self.block(node.then)
        orelse = self.block(node.otherwise) if node.otherwise is not None else ()
        self.emit(ir.If(cond, then, orelse, self.frame.origin))

    def _loop(self, node: ast.While | ast.Loop) -> None:
        self._loops += 1
        with self.frame.block() as body:
            if isinstance(node, ast.While):
                cond = self.condition(node.condition)
                if cond == ir.FALSE:
                    self._loops -= 1
                    return
                inner = self.block(node.body)
                if cond == ir.TRUE:
                    for statement in inner:
                        self.emit(statement)
                else:
                    self.emit(ir.If(cond, inner, (ir.Break(self.frame.origin),), self.frame.origin))
            else:
                self.statements(node.body.statements)
        self._loops -= 1
        self.emit(ir.Loop(tuple(body), None, self.frame.origin))

    def _rounds(self, count: int, span: Span) -> int:
        if not 0 <= count <= MAX_UNROLLED:
            raise problem("MM227", f"{count} rounds: 'for' and 'repeat' take 0 to {MAX_UNROLLED}", span)
        return count

    def _repeat(self, node: ast.For | ast.Repeat, rounds: int) -> None:
        """So many rounds, all of them alike; if one may leave them, a loop."""
        before, exits = self.context.unrolled, self._breaks + self._returns
        with self.frame.block() as one:
            self._round(node, node.body)
        self._count_unrolled(node.span, (self.context.unrolled - before) * (rounds - 1))
        if rounds and self._breaks + self._returns > exits:
            self.emit(ir.Loop(tuple(one), rounds, self.frame.origin))
            return
        for statement in one * rounds:
            self.emit(statement)

    def _unroll(self, node: ast.For, numbers: Iterable[int]) -> None:
        """The rounds one behind the other; a `break` leaves a loop of one turn around them."""
        breaks = self._breaks
        with self.frame.aside() as out:
            for number in numbers:
                with self.frame.block() as one:
                    self.frame.bind(node.name.text, Literal(number))
                    self._round(node, node.body)
                out += one
        if self._breaks > breaks:
            self.emit(ir.Loop(tuple(out), 1, self.frame.origin))
        else:
            for statement in out:
                self.emit(statement)

    def _round(self, node: ast.For | ast.Repeat, body: ast.Block) -> None:
        self._loops += 1
        self._unrolling += 1
        self._count_unrolled(node.span)
        self.statements(body.statements)
        self._unrolling -= 1
        self._loops -= 1

    def _count_unrolled(self, span: Span, more: int = 1) -> None:
        before = self.context.unrolled
        self.context.unrolled += more
        if before > MAX_UNROLLED:
            raise Problem(None)  # said already
        if self.context.unrolled > MAX_UNROLLED:
            hint = "fewer rounds, or 'while', which runs to the bound"
            raise problem("MM227", f"'for' and 'repeat' make more than {MAX_UNROLLED} statements", span, hint)

    def _return(self, node: ast.Return) -> None:
        self._returns += 1
        if node.value is None:
            if self.result is not None:
                raise problem("MM228", f"'{self.frame.owner}' returns {self.result}", node.span)
            self.emit(ir.Return(None, self.frame.origin))
            return
        if self.result is None:
            hint = f"declare it: fn {self.frame.owner}(…) -> u32" if self.is_function else ""
            raise problem("MM228", f"'{self.frame.owner}' returns no value", node.span, hint)
        value = values.coerce(self.value(node.value), self.result, node.value.span)
        self.emit(ir.Return(value.expr, self.frame.origin))

    def _await(self, node: ast.Await) -> None:
        tries = None
        if node.limit is not None:
            tries = self.context.number(node.limit)
            if tries < 1:
                raise problem("MM226", "'within' takes at least one try", node.limit.span)
        loops, self._loops = self._loops, 0
        outer = self.frame.registers()
        with self.frame.aside() as body:
            if node.body is not None:
                self.statements(node.body.statements)
            cond = self.condition(node.condition)
        self._loops = loops
        orelse = self.block(node.otherwise) if node.otherwise is not None else ()
        again = tries is None and rereads(tuple(body))
        statement = ir.Await(tuple(body), cond, tries, orelse, self.frame.origin, again)
        self.emit(check_await(self.context.bodies, statement, node, outer))

    # --- requirements ---

    def _assert(self, node: ast.Assert) -> None:
        requirement = self._claim_of(node)
        self.silent = True
        try:
            with self.frame.aside() as calls:
                cond = self.condition(node.condition)
        finally:
            self.silent = False
        if requirement in self.context.declarations.without:
            return
        for statement in calls:
            self.emit(statement)
        self.emit(ir.Assert(cond, requirement, self.frame.origin))

    def _claim_of(self, node: ast.Assert) -> str:
        """The name of the requirement that an `assert` belongs to."""
        known = self.context.declarations.requirements
        match node.claim:
            case ast.Ident(text=name) if name in known:
                return name
            case ast.Ident(text=name):
                close = near(name, known)
                hint = "" if close else f'declare it: requirement {name} {{ says "…" }}'
                raise problem("MM204", f"no requirement is named '{name}'{close}", node.claim.span, hint)
            case ast.Text(value=clause):
                found = check_clause(clause)
                if found is not None:
                    raise problem("MM208", found.message, node.claim.span, found.help)
                return clause
        return self.context.declarations.title_of(node.span)


def site_of(node: ast.Stmt) -> str:
    """The name that edits and checks use for `node`: its label, or the register of a `let`."""
    if node.label is not None:
        return node.label.text
    return node.name.text if isinstance(node, ast.Let) else ""


def text_of(node: ast.Stmt) -> str:
    """`node` as written, on one line, without label, anchor and comments; of a block, its head."""
    span, start, end = node.span, node.span.start, node.span.end
    match node:
        case ast.If(condition=condition) | ast.While(condition=condition):
            end = condition.span.end
        case ast.Await(condition=condition):
            end = condition.span.end
        case ast.Loop(body=body) | ast.Repeat(body=body) | ast.For(body=body) | ast.OnTargets(body=body):
            end = body.span.start
    text = _NOISE.sub(lambda match: match.group(1) or " ", span.file.text[start:end])
    if node.label is not None:
        # A variant gives the label of what it replaces to a statement that is written without.
        label, colon, rest = text.partition(":")
        text = rest if colon and label.strip() == node.label.text else text
    text = _ANCHOR.sub("", " ".join(text.split()))
    if isinstance(node, ast.Await) and node.body is not None:
        text = f"await {{ … }} until {' '.join(node.condition.span.text.split())}"
    return shorten(text)


def shorten(text: str) -> str:
    """`text` on one line of at most `MAX_TEXT` characters."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
