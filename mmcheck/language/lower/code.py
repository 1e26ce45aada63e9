"""Expressions in code: registers, reads, lazy operators.

Every read becomes a statement in front of the one that it stands in, in the order of evaluation.
`mmcheck.language.lower.accesses` makes the events of words; statements and calls are left to the subclasses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mmcheck.base.records import replace
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower import values
from mmcheck.language.lower.accesses import Accesses
from mmcheck.language.lower.choices import SiteChoice, key_of
from mmcheck.language.lower.context import Context
from mmcheck.language.lower.cpus import GHOST, current, mirror
from mmcheck.language.lower.expressions import Evaluator, Place, single
from mmcheck.language.lower.frames import Frame
from mmcheck.language.lower.names import near, problem
from mmcheck.language.lower.types import BOOL, ArrayType, LatchType, RecordType, Type, size_of, width_of
from mmcheck.language.lower.values import Literal, RecordVal, Val, Value
from mmcheck.language.syntax import ast
from mmcheck.target import words


class Code(Evaluator):
    """The body of one function or agent while it is lowered."""

    def __init__(self, context: Context, owner: str) -> None:
        super().__init__(context)
        self.frame = Frame(owner)
        self.accesses = Accesses(context, self.frame)
        self.silent = False
        """Inside an `assert`: nothing may be read from memory."""
        self._copy: ir.Expr | None = None
        """The CPU whose copy the name of memory per CPU stands for."""

    # --- names ---

    def local(self, node: ast.Name) -> Value | None:
        return self.frame.find(node.text)

    def resolve(self, node: ast.Expr) -> Place | Value:
        if isinstance(node, ast.Name):
            variable = self.context.layout.variables.get(node.text)
            if variable is not None and variable.kind == "percpu" and self._copy is not None:
                assert isinstance(variable.type, ArrayType)
                element = variable.type.element
                step = values.make("mul", (self._copy, ir.Const(size_of(element), 64)), 64)
                address = values.make("add", (ir.Const(variable.address, 64), step), 64)
                return Place(address, element, variable.kind, f"{variable.name}[this CPU]")
        elif isinstance(node, ast.Field) and isinstance(node.base, ast.Name) and node.base.text == "current":
            if self.frame.find("current") is None and "current" not in self.context.declarations.variables:
                return self._current(node)
        return super().resolve(node)

    def _current(self, node: ast.Field) -> Value:
        """``current.name``: a private of the agent that the handler interrupts."""
        private = self.context.layout.privates.get(node.name.text)
        if private is None:
            hint = "declare it: private name = 0"
            raise problem("MM252", f"'current' has only privates, and '{node.name.text}' is none", node.span, hint)
        dst = self.frame.temporary(width_of(private.type))
        origin = replace(self.frame.origin, word="current")
        self.emit(ir.Load(dst, current(private.name), GHOST, False, origin))
        return Val(dst, private.type)

    @contextmanager
    def copy_of(self, cpu: ir.Expr) -> Iterator[None]:
        """Inside, memory per CPU is the copy of `cpu`."""
        outer, self._copy = self._copy, cpu
        try:
            yield
        finally:
            self._copy = outer

    def names(self) -> list[str]:
        return [*self.frame.visible(), *super().names()]

    def bind(self, name: str, value: Value, type_: Type | None, span: Span) -> None:
        """``let name: type = value``: put `value` into new registers called `name`."""
        found = value
        if isinstance(found, RecordVal):
            if type_ is not None and found.name != str(type_):
                raise problem("MM216", f"{type_} is needed here, not {values.describe(found)}", span)
            fields = {field: self._keep(f"{name}.{field}", inner, None, span) for field, inner in found.fields.items()}
            self.frame.bind(name, replace(found, fields=fields))
        else:
            self.frame.bind(name, self._keep(name, found, type_, span))

    def _keep(self, name: str, value: Value, type_: Type | None, span: Span) -> Value:
        if isinstance(value, RecordVal):
            fields = {field: self._keep(f"{name}.{field}", inner, None, span) for field, inner in value.fields.items()}
            return replace(value, fields=fields)
        typed = values.concrete(value, span) if type_ is None else values.coerce(value, type_, span)
        register = self.frame.new(name, typed.type)
        assert isinstance(register.expr, ir.Reg)
        self.set(register.expr, typed.expr)
        return register

    def set(self, register: ir.Reg, expr: ir.Expr) -> None:
        """``register := expr``; a read just made for this goes to the register at once."""
        if not self.frame.rename_last(expr, register):
            self.emit(ir.Assign(register, expr, self.frame.origin))
        name = register.name.removeprefix("@")
        if name != register.name and name in self.context.cpus.watched:
            self.emit(ir.Store(mirror(name), register, GHOST, self.frame.origin))

    def alternatives(self, span: Span) -> SiteChoice | None:
        """What may stand in the place of the word at `span`, if that is left open."""
        chooser = self.context.chooser
        return chooser.get(key_of(self.frame.owner, self.frame.origin.site, span)) if chooser else None

    def emit(self, statement: ir.Statement) -> None:
        self.frame.emit(statement)

    def hold(self, value: Value, later: ast.Expr) -> Value:
        if not isinstance(value, Val) or not any(reg.name.startswith("@") for reg in ir.registers_of(value.expr)):
            return value
        if self._calls_own(later):
            kept = self.frame.temporary(value.expr.width)
            self.emit(ir.Assign(kept, value.expr, self.frame.origin))
            return Val(kept, value.type)
        return value

    def hold_place(self, place: Place, later: Iterable[ast.Expr]) -> Place:
        """`place` as it is now, while `later` is evaluated."""
        if any(reg.name.startswith("@") for reg in ir.registers_of(place.address)) and any(map(self._calls_own, later)):
            kept = self.frame.temporary(64)
            self.emit(ir.Assign(kept, place.address, self.frame.origin))
            return replace(place, address=kept)
        return place

    def _calls_own(self, node: ast.Expr) -> bool:
        """Whether evaluating `node` calls a function of the file, which may set privates."""
        functions = self.context.declarations.functions
        return any(isinstance(each, ast.Call) and each.function.text in functions for each in ast.walk(node))

    # --- reads ---

    def read(self, place: Place, span: Span) -> Value:
        found = single(place)
        word = implicit(found, "load")
        return self.read_as(found, span, word, (), word_text="")

    def read_as(self, place: Place, span: Span, word: words.Word, orders: tuple[str, ...], *, word_text: str) -> Value:
        """The value at `place`, read as `word` says: a record field by field, unless the word is atomic."""
        if self.silent:
            hint = "read it in front: let a = …"
            raise problem("MM229", f"an assert reads no shared memory, and '{place.name}' is some", span, hint)
        found = single(place)
        if isinstance(found.type, ArrayType):
            raise problem("MM216", f"'{found.name}' is an {found.type}: name one element", span)
        pieces = self.context.realise(word, orders, span)
        if isinstance(found.type, RecordType):
            if self.accesses.whole(word):
                return self.accesses.load_whole(found, found.type, pieces, word_text, span)
            return self.accesses.load_fields(found, found.type, pieces, word_text, span)
        return self.accesses.load(found, pieces, word_text, span)

    def record_literal(self, node: ast.Expr, type_: Type) -> RecordVal:
        """The record literal `node` as a value of `type_`; every field is given, each once."""
        assert isinstance(node, ast.RecordLiteral)
        if not isinstance(type_, RecordType):
            raise problem("MM216", f"{type_} is needed here, not a record", node.span)
        given: dict[str, Value] = {}
        for each in node.fields:
            name = each.name.text
            member = type_.field(name)
            if member is None:
                known = [field.name for field in type_.fields]
                raise problem("MM207", f"'{type_}' has no field '{name}'{near(name, known)}", each.name.span)
            if name in given:
                raise problem("MM202", f"the field '{name}' is given twice", each.name.span)
            if isinstance(each.value, ast.RecordLiteral):
                given[name] = self.record_literal(each.value, member.type)
            else:
                given[name] = values.coerce(self.value(each.value), member.type, each.value.span)
        missing = [f"'{field.name}'" for field in type_.fields if field.name not in given]
        if missing:
            raise problem("MM207", f"the record lacks {', '.join(missing)}", node.span)
        return RecordVal(str(type_), given)

    # --- operators with effects ---

    def operate(self, op: str, left: Value, right: Value, span: Span, spans: tuple[Span, Span]) -> Val | Literal:
        demanded = values.demanded(op, left, right, span, spans)
        if demanded != ir.TRUE and ir.ARITHMETIC not in self.context.declarations.without:
            limit = "!= 0" if op in ("/", "%") else f"< {demanded.args[1]}" if isinstance(demanded, ir.Op) else ""
            text = f"{' '.join(spans[1].text.split())} {limit}"
            self.emit(ir.Assert(demanded, ir.ARITHMETIC, ir.Origin(spans[1], text)))
        return super().operate(op, left, right, span, spans)

    def lazily(self, node: ast.Binary) -> Value:
        left = self.hold(self.value(node.left), node.right)
        first = values.condition(left, node.left.span)
        decided = ir.FALSE if node.op == "&&" else ir.TRUE
        if first == decided:
            return values.boolean(node.op == "||")
        with self.frame.aside() as body:
            second = self.condition(node.right)
        if all(isinstance(each, ir.Assert) for each in body) or isinstance(first, ir.Const):
            unless = values.make("not", (first,), 1) if node.op == "&&" else first
            for each in body:  # of the right side, where it counts
                if isinstance(each, ir.Assert):
                    each = replace(each, cond=values.both("||", unless, each.cond).expr)
                self.emit(each)
            return values.both(node.op, first, second)
        result = self.frame.temporary(1)
        with self.frame.aside() as right:
            for statement in body:
                self.emit(statement)
            self.set(result, second)
        self.emit(ir.Assign(result, first, self.frame.origin))
        cond: ir.Expr = result if node.op == "&&" else values.make("not", (result,), 1)
        self.emit(ir.If(cond, tuple(right), (), self.frame.origin))
        return Val(result, BOOL)

    # --- calls ---

    def call(self, node: ast.Call) -> Value:
        result = self.invoke(node, wanted=True)
        if result is None:
            raise problem("MM216", f"'{node.function.text}' gives no value", node.span)
        return result

    def method(self, node: ast.MethodCall) -> Value:
        result = self.invoke(node, wanted=True)
        if result is None:
            raise problem("MM216", f"'{node.method.text}' gives no value", node.span)
        return result

    def invoke(self, node: ast.Call | ast.MethodCall, *, wanted: bool) -> Value | None:
        """Lower a call; its value, or None if it has none. `wanted`: somebody uses the value."""
        raise NotImplementedError


def implicit(place: Place, kind: str) -> words.Word:
    """The word behind a bare access: ``plain_load``, ``volatile_store`` … by the kind of storage."""
    storage = place.kind if place.kind in ("volatile", "atomic", "mmio") else "plain"
    if storage == "plain" and isinstance(place.type, LatchType):
        storage = "volatile"
    return words.IMPLICIT[f"{storage}_{kind}"]
