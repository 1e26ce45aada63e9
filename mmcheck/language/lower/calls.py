"""Words of the vocabulary in code: their arguments, and what the operations mean.

Which words exist and which instructions they become is said by `mmcheck.target.words`; what an operation
does to values and places is said here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mmcheck.base.records import record, replace
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower import values
from mmcheck.language.lower.code import Code
from mmcheck.language.lower.cpu_words import here, migrate, raised, switch
from mmcheck.language.lower.expressions import Place, single
from mmcheck.language.lower.names import Problem, near, problem
from mmcheck.language.lower.types import (
    BOOL,
    BoolType,
    IntType,
    LatchType,
    PointerType,
    RecordType,
    Scalar,
    pointer_to,
    width_of,
)
from mmcheck.language.lower.values import RecordVal, Val, Value
from mmcheck.language.syntax import ast
from mmcheck.target import words
from mmcheck.target.pieces import AccessPiece, FencePiece
from mmcheck.target.words import Word

_BITWISE = ("and", "or", "xor")
_ORDERS = ("order", "fail_order", "domain", "text", "clobber")


@record
class Arguments:
    """The arguments of a word, by role; `orders` are those that `mmcheck.target.words` reads."""

    word: Word
    nodes: dict[str, ast.Expr]
    orders: tuple[str, ...]
    span: Span

    @property
    def text(self) -> str:
        """The word as shown: ``fence(release)``, ``READ_ONCE()``."""
        return f"{self.word.name}({', '.join(self.orders)})"


def call_word(code: Code, node: ast.Call, *, wanted: bool) -> Value | None:
    """A word that is called: a fence, or an access whose place is an argument."""
    name = node.function.text
    word = words.WORDS.get(name) or words.WORDS.get(name.rpartition("::")[2])
    if word is None:
        method = words.METHODS.get(name)
        hint = f"'{name}' stands behind a place: x.{words.usage(method)}" if method is not None else ""
        known = [each for each in code.context.declarations.functions if each != name]
        found = near(name, [*known, *words.WORDS, "assert", "await", "return", "raise", "nothing"])
        if name in code.context.declarations.variables:
            found = " — it is a location"
        raise problem("MM201", f"unknown word '{name}'{found}", node.function.span, hint)
    arguments = read_arguments(word, node.args, node.span, node.function.span)
    if word.operation.startswith("irq_"):
        flags = arguments.nodes.get("flags")
        given = code.value(flags) if flags is not None else None
        return switch(code, word, given, flags.span if flags is not None else node.span)
    if word.operation == "migrate":
        migrate(code, word, code.context.cpu(arguments.nodes["cpu"]), node.span)
        return None
    if word.operation in ("this_cpu_ptr", "per_cpu"):
        return _pointer(code, arguments)
    if word.name.startswith("this_cpu"):
        return _on_this_cpu(code, arguments, wanted=wanted)
    if word.operation == "fence":
        _fence(code, arguments)
        if wanted:
            raise problem("MM216", f"'{name}' gives no value", node.span)
        return None
    return _access(code, arguments, wanted=wanted)


def _pointer(code: Code, arguments: Arguments) -> Value:
    """``this_cpu_ptr(place)``, ``per_cpu(place, cpu)``: a copy of memory per CPU, as a pointer."""
    node = arguments.nodes.get("cpu")
    cpu = here(code) if node is None else ir.Const(code.context.cpu(node), 64)
    with code.copy_of(cpu):
        place = place_argument(code, arguments.nodes["place"])
    return Val(place.address, pointer_to(place.type))


def _on_this_cpu(code: Code, arguments: Arguments, *, wanted: bool) -> Value | None:
    """An access to this CPU's copy, with no migration in between: one instruction (x86), or interrupts off around
    it."""
    span = arguments.span
    if not code.context.cpus.moves_in(code.frame.owner) or code.context.target.architecture.finds_its_cpu:
        with code.copy_of(here(code, whole=True)):
            return _access(code, arguments, wanted=wanted)
    flags = switch(code, words.WORDS["irq_save"], None, span)
    with code.copy_of(here(code)):
        result = _access(code, arguments, wanted=wanted)
    switch(code, words.WORDS["irq_restore"], flags, span)
    return result


def _access(code: Code, arguments: Arguments, *, wanted: bool) -> Value | None:
    # Arguments are evaluated in the order of the text; what they become depends on the place.
    place: Place | None = None
    given: dict[str, Value] = {}
    for role, arg in arguments.nodes.items():
        if role == "place":
            place = code.hold_place(place_argument(code, arg), arguments.nodes.values())
        elif not isinstance(arg, ast.RecordLiteral):
            given[role] = code.value(arg)
    assert place is not None
    return _operate(code, arguments, place, given, wanted=wanted)


def method_word(code: Code, node: ast.MethodCall, *, wanted: bool) -> Value | None:
    """A word behind a dot; also ``.is_ok()`` and ``.is_err()`` of a compare-exchange."""
    name = node.method.text
    receiver = code.resolve(node.receiver)
    if isinstance(receiver, RecordVal) and receiver.is_result and name in ("is_ok", "is_err"):
        ok = values.condition(receiver.fields["is_ok"], node.span)
        return Val(ok if name == "is_ok" else values.make("not", (ok,), 1), BOOL)
    word = words.METHODS.get(name)
    if word is None:
        found = near(name, [*words.METHODS, "is_ok", "is_err"])
        hint = ""
        if name in words.WORDS:
            hint = f"'{name}' is called with the place: {words.usage(words.WORDS[name])}"
        raise problem("MM209", f"no access is called '{name}'{found}", node.method.span, hint)
    arguments = read_arguments(word, node.args, node.span, node.method.span)
    if isinstance(receiver, Place):
        place = receiver
    elif isinstance(receiver, Val) and isinstance(receiver.type, PointerType):
        place = code.target(receiver, node.receiver.span)
    elif isinstance(receiver, values.Unknown):
        raise Problem(None)
    else:
        raise problem("MM237", f"'{name}' needs a place in memory in front of the dot", node.receiver.span)
    place = code.hold_place(place, arguments.nodes.values())
    given = {role: code.value(arg) for role, arg in arguments.nodes.items() if not isinstance(arg, ast.RecordLiteral)}
    return _operate(code, arguments, place, given, wanted=wanted)


def read_arguments(word: Word, args: Sequence[ast.Argument], span: Span, name: Span) -> Arguments:
    """Sort the arguments of `word` by their roles, and check orders; `name` is where the word stands."""
    roles = word.roles()
    nodes: dict[str, ast.Expr] = {}
    orders: list[str] = []
    order_spans: list[Span] = []
    for role, arg in zip(roles, args, strict=False):
        if role in _ORDERS:
            orders.append(_order_text(arg.value))
            order_spans.append(arg.span)
        else:
            nodes[role] = arg.value
        if arg.choice and role not in ("order", "fail_order"):
            raise problem("MM219", "'?' marks an order, and this is none", arg.span)
    required = sum(not param.optional for param in word.params)
    if len(args) > len(roles):
        raise problem("MM219", f"'{word.name}' takes {_count(len(roles))}: {words.usage(word)}", name)
    message = words.check_orders(word, tuple(orders))
    if message is not None:
        # A missing order is the call's fault, a wrong one its own: the first that does not go.
        raise worded("MM218", message, _wrong(word, orders, order_spans, message) or name)
    if len(args) < required:
        raise problem("MM219", f"'{word.name}' takes {_count(required)}: {words.usage(word)}", name)
    return Arguments(word, nodes, tuple(orders), span)


def worded(code: str, message: str, span: Span) -> Problem:
    """A problem in the vocabulary's own words; what stands behind a dash is the advice."""
    kind = _KINDS.search(message)
    if kind is not None:
        return problem(code, f"{message[: kind.start()]}: {message[kind.end() :]}", span)
    text, _, advice = message.partition(" — ")
    return problem(code, text, span, advice)


_KINDS = re.compile(r" — for a [\w-]+: ")


def _wrong(word: Word, orders: Sequence[str], spans: Sequence[Span], message: str) -> Span | None:
    wanted = sum(role in ("order", "fail_order", "domain", "text") for role in word.roles())
    if len(orders) < wanted or not spans:
        return None
    for position in range(len(orders)):
        # Orders that are right do not matter: put a good one in the place of each in turn.
        for good in ("relaxed", "seq_cst"):
            fixed = tuple(good if at == position else text for at, text in enumerate(orders))
            if words.check_orders(word, fixed) != message:
                return spans[position]
    return spans[0]


def _order_text(node: ast.Expr) -> str:
    if isinstance(node, ast.Name):
        return node.text
    if isinstance(node, ast.Text):
        return node.value
    return " ".join(node.span.text.split())


def _count(number: int) -> str:
    names = ("no arguments", "one argument", "two arguments", "three arguments", "four arguments")
    return names[number] if number < len(names) else f"{number} arguments"


def place_argument(code: Code, node: ast.Expr) -> Place:
    """The place that a word is called with: itself, ``&place``, or a pointer's target."""
    inner = node.place if isinstance(node, ast.AddrOf) else node
    found = code.resolve(inner)
    if isinstance(found, Place):
        return found
    if isinstance(found, Val) and isinstance(found.type, PointerType) and inner is node:
        return code.target(found, node.span)
    if isinstance(found, values.Unknown):
        raise Problem(None)
    raise problem("MM237", "a place in memory is needed here", node.span)


def _fence(code: Code, arguments: Arguments) -> None:
    open_site = code.alternatives(arguments.span)
    if open_site is not None:
        code.accesses.choose(open_site, arguments.span)
        return
    for piece in code.context.realise(arguments.word, arguments.orders, arguments.span):
        assert isinstance(piece, FencePiece)
        # An instruction that is nothing on this target and to this compiler is no event.
        if piece.tags:
            code.accesses.fence(piece, arguments.text)


def _operate(code: Code, arguments: Arguments, place: Place, given: dict[str, Value], *, wanted: bool) -> Value | None:
    """What the operation of a word does at `place`."""
    word, span = arguments.word, arguments.span
    if code.silent:
        raise problem("MM229", f"an assert accesses no memory, and '{word.name}' does", span, "do it in front")
    found = single(place)
    _check_width(word, found, span)
    if word.operation == "load":
        code.accesses.leave_open(code.alternatives(span), span)
        return code.read_as(found, span, word, arguments.orders, word_text=arguments.text)
    if word.operation == "store":
        node = arguments.nodes["value"]
        value = given["value"] if "value" in given else code.record_literal(node, found.type)
        code.accesses.leave_open(code.alternatives(span), span)
        store_place(code, found, value, word, arguments.orders, arguments.text, node.span)
        return None
    code.accesses.leave_open(code.alternatives(span), span)
    pieces = code.context.realise(word, arguments.orders, span)
    if word.operation == "take":
        if not isinstance(found.type, LatchType):
            raise problem("MM216", f"'{found.name}' is {found.type} and no latch", span)
        return code.accesses.take(found, pieces, arguments.text)
    type_ = found.type
    if not isinstance(type_, IntType | BoolType | PointerType):
        raise problem("MM216", f"'{word.name}' does not go with {type_}", span)
    if word.operation in ("cas", "cas_weak"):
        return _compare_exchange(code, arguments, found, type_, given)
    operand: Val | None = None
    if "value" in given:
        operand = values.coerce(given["value"], type_, arguments.nodes["value"].span)
    new = _new_value(word, type_, operand, span)
    old = code.accesses.modify(found, new, pieces, arguments.text, type_)
    if wanted and not word.result:
        raise problem("MM216", f"'{word.name}' gives no value", span)
    return old


def _check_width(word: Word, place: Place, span: Span) -> None:
    if word.width == 0 or isinstance(place.type, RecordType):
        return
    have: Scalar | None = place.type.value if isinstance(place.type, LatchType) else None
    if isinstance(place.type, IntType):
        have = place.type
    if have is not None and width_of(have) != word.width:
        message = f"'{word.name}' accesses {word.width} bits, and '{place.name}' has {width_of(have)}"
        raise problem("MM211", message, span)


def _new_value(word: Word, type_: Scalar, operand: Val | None, span: Span) -> ir.Expr:
    """The value that a read-modify-write puts in the place of `OLD`."""
    width = width_of(type_)
    old = ir.Reg(ir.OLD, width)
    operation = word.operation
    if operation in ("inc", "dec"):
        operation, operand = ("add" if operation == "inc" else "sub"), Val(ir.Const(1, width), type_)
    assert operand is not None
    if operation == "swap":
        return operand.expr
    if not isinstance(type_, IntType) and not (isinstance(type_, BoolType) and operation in _BITWISE):
        raise problem("MM216", f"'{word.name}' does not go with {type_}", span)
    if operation in ("min", "max"):
        operation = ("s" if isinstance(type_, IntType) and type_.signed else "u") + operation
    return values.make(operation, (old, operand.expr), width)


def _compare_exchange(code: Code, arguments: Arguments, place: Place, type_: Scalar, given: dict[str, Value]) -> Value:
    word = arguments.word
    expected = values.coerce(given["expected"], type_, arguments.nodes["expected"].span)
    new = values.coerce(given["new"], type_, arguments.nodes["new"].span)
    pieces = code.context.realise(word, arguments.orders, arguments.span)
    weak = word.operation == "cas_weak"
    old, ok = code.accesses.compare_exchange(place, expected, new, pieces, arguments.text, weak=weak)
    if not word.receiver:
        return old
    return RecordVal(word.name, {"value": old, "is_ok": ok}, is_result=True)


def store_place(
    code: Code, place: Place, value: Value, word: Word, orders: tuple[str, ...], text: str, span: Span
) -> None:
    """Write `value` at `place` as `word` says: a record field by field, unless the word is atomic."""
    pieces = code.context.realise(word, orders, span)
    found = single(place)
    if isinstance(value, values.Unknown):
        raise Problem(None)
    if isinstance(found.type, RecordType):
        if not isinstance(value, RecordVal) or value.is_result:
            raise problem("MM216", f"the record '{found.name}' is written by a record", span)
        if code.accesses.whole(word):
            code.accesses.store_whole(found, found.type, value, pieces, text, span)
        else:
            code.accesses.store_fields(found, found.type, value, pieces, text, span)
        return
    code.accesses.store(found, value, pieces, text, span)


def raise_place(code: Code, node: ast.Expr) -> None:
    """``raise place``: set a latch, or raise an interrupt."""
    if isinstance(node, ast.Name) and node.text in code.context.cpus.handlers:
        if not code.context.cpus.handlers[node.text].when_raised:
            hint = f"interrupt {node.text} …, when raised"
            raise problem("MM250", f"'{node.text}' comes when it likes: nothing raises it", node.span, hint)
        place, word = raised(code.context, node.text), "irq_raise"
    else:
        place, word = single(code.place(node)), "latch_raise"
    if not isinstance(place.type, LatchType):
        raise problem("MM216", f"only a latch or an interrupt is raised, and '{place.name}' is {place.type}", node.span)
    width = width_of(place.type)
    pieces = code.context.realise(words.IMPLICIT[word], (), node.span)
    for piece in pieces:
        if isinstance(piece, FencePiece):
            code.accesses.fence(piece, "raise")
        else:
            _raise(code, place, piece, width)


# A device's write: it sets the mark, and the value behind the mark is 0 from then on.
def _raise(code: Code, place: Place, piece: AccessPiece, width: int) -> None:
    origin = replace(code.frame.origin, word="raise")
    code.emit(ir.Store(place.address, ir.Const(1 << width - 1, width), piece.write_tags, origin))
