"""What follows the table: ``locations``, ``filter``, and the condition on final states.

Precedence, from loose to tight, is herd's: ``\\/``, ``/\\``, ``=>`` (to the right), ``not``. Numbers are
compared at the width of what they are compared with, so ``-1`` is all ones there. An array that is compared
with one value stands for its first element, as in herd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import TypeAlias

from mmcheck.ir.program import FALSE, TRUE, Const, Expr, Op, state_cell, state_register
from mmcheck.language.herd.cell import CellError, nearest, number
from mmcheck.language.herd.memory import Location
from mmcheck.language.herd.show import Shown, printing_order
from mmcheck.language.herd.tokens import Cursor, Token, scan
from mmcheck.language.herd.values import constant, low, widen

MAX_DEPTH = 100
"""Nesting of parentheses and negations."""

ZERO = "XZR"
"""The register that is 0 without anybody's saying so."""

Registers: TypeAlias = Callable[[str], tuple[str, int, int] | None]


@dataclass(slots=True)
class Names:
    """What a condition can speak of: the threads, the registers of the architecture, the locations.

    `used` has the registers that each thread initialises or names; `narrow` tells whether a register of a thread is
    only ever written through its 32-bit form; `hint` says how registers are named; `wide` are those that the initial
    state declares with 64 bits, each with its thread.
    """

    threads: tuple[str, ...]
    registers: Registers
    locations: Mapping[str, Location]
    used: Mapping[str, Set[str]]
    narrow: Callable[[str, str], bool] = lambda thread, register: False
    hint: str = ""
    wide: Set[tuple[str, str]] = frozenset()


@dataclass(slots=True)
class Footer:
    """The parsed end of a test; `shown` are the registers, locations, elements and arrays that it names, `registers`
    those registers with their threads."""

    quantifier: str = ""
    condition: Expr = TRUE
    filter: Expr | None = None
    shown: dict[str, Shown] = field(default_factory=dict)
    registers: set[tuple[str, str]] = field(default_factory=set)
    end: int = 0
    expectations: str = ""


def parse_footer(text: str, start: int, names: Names) -> Footer:
    """The end of a test from `start` on; offsets of errors are those of `text`. Raises `CellError`."""
    footer = Footer()
    parser = _Parser(Cursor(scan(text, start), "MM316"), names, footer)
    parser.sections()
    return footer


@dataclass(slots=True)
class _Place:
    """A register or location as an operand: its value, or, of an array, those of all elements."""

    values: tuple[Expr, ...]
    token: Token
    register: tuple[str, str] | None = None


class _Parser:
    def __init__(self, cursor: Cursor, names: Names, footer: Footer) -> None:
        self.cursor = cursor
        self.names = names
        self.footer = footer
        self.depth = 0
        self.recording = True

    def sections(self) -> None:
        cursor, footer = self.cursor, self.footer
        while cursor.token.kind != "end":
            token = cursor.token
            word = token.text
            if word == "locations" and not footer.quantifier:
                cursor.advance()
                self.locations()
            elif word == "filter" and footer.filter is None and not footer.quantifier:
                cursor.advance()
                self.recording = False
                footer.filter = self.disjunction()
                self.recording = True
            elif word in ("exists", "~", "not", "forall", "final") and not footer.quantifier:
                footer.quantifier = self.quantifier()
                footer.condition = self.disjunction()
                cursor.accept(";")
            elif word == "with" and footer.quantifier:
                footer.expectations = " ".join(t.text for t in cursor.tokens[cursor.position + 1 :]).strip()
                return
            elif word == "observed":
                raise CellError("MM340", "'observed' is not supported", token.start, token.end, "use 'exists'")
            else:
                raise self.left_over(token)
        if not footer.quantifier:
            footer.quantifier = "forall"

    def left_over(self, token: Token) -> CellError:
        if token.text in ("AArch64", "X86_64", "X86"):
            help = "put every test into a file of its own"
            return CellError("MM315", "a second test begins here", token.start, token.end, help)
        if self.footer.quantifier:
            help = "conditions are joined with /\\ or \\/" if token.kind != "sign" or token.text in "([~" else ""
            message = f"unexpected text after the condition: '{token.text}'"
            if token.text in ("exists", "forall"):
                message, help = "a second condition begins here", "a test has one condition"
            return CellError("MM315", message, token.start, token.end, help)
        return self.cursor.wrong("'exists', '~exists' or 'forall'")

    def quantifier(self) -> str:
        word = self.cursor.advance().text
        if word in ("~", "not"):
            self.cursor.expect("exists", "a negated condition is written '~exists (...)'")
            return "~exists"
        return "exists" if word == "final" else word

    def locations(self) -> None:
        """``[x; 0:X1; y[1];]``, where types may follow the names."""
        cursor = self.cursor
        cursor.expect("[", "write 'locations [x; 0:X1;]'")
        while not cursor.accept("]"):
            self.operand()
            while cursor.token.kind == "name" or cursor.token.text == "*":
                cursor.advance()
            if cursor.token.text != "]":
                cursor.expect(";", "write 'locations [x; 0:X1;]'")

    # --- propositions ----------------------------------------------------------------------------------

    def disjunction(self) -> Expr:
        parts = [self.conjunction()]
        while self.cursor.accept("\\/"):
            parts.append(self.conjunction())
        return _join("or", parts)

    def conjunction(self) -> Expr:
        parts = [self.implication()]
        while self.cursor.accept("/\\"):
            parts.append(self.implication())
        return _join("and", parts)

    def implication(self) -> Expr:
        parts = [self.proposition()]
        while self.cursor.accept("=>"):
            parts.append(self.proposition())
        result = parts.pop()
        if len(parts) > MAX_DEPTH:
            raise self.too_deep()
        while parts:
            result = Op("or", (Op("not", (parts.pop(),), 1), result), 1)
        return result

    def too_deep(self) -> CellError:
        token = self.cursor.token
        return CellError("MM316", "the condition is nested too deeply", token.start, token.end)

    def proposition(self) -> Expr:
        cursor = self.cursor
        token = cursor.token
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.too_deep()
        try:
            if cursor.accept("~", "not"):
                return Op("not", (self.proposition(),), 1)
            if cursor.accept("("):
                inner = self.disjunction()
                cursor.expect(")", "conditions are joined with /\\ or \\/")
                return inner
            if token.text in ("true", "false") and cursor.peek().text not in ("=", "==", "<>", "!="):
                cursor.advance()
                return TRUE if token.text == "true" else FALSE
            return self.atom()
        finally:
            self.depth -= 1

    def atom(self) -> Expr:
        if self.cursor.token.text in ("fault", "Fault"):
            token = self.cursor.token
            raise CellError("MM340", "faults are not supported", token.start, token.end)
        left = self.operand()
        sign = self.cursor.token.text
        if sign not in ("=", "==", "<>", "!="):
            raise self.cursor.wrong("'=' or '!='", "write '0:X1=2', '[x]=1' or 'x=1'")
        self.cursor.advance()
        rights = self.right(left)
        values = left.values[:1] if len(rights) == 1 else left.values
        if len(rights) != len(values):
            token = left.token
            message = f"'{token.text}' has {len(values)} elements, but {len(rights)} values are given"
            raise CellError("MM328", message, token.start, token.end, f"write '{token.text}[0]=1'")
        parts = [_equal(a, b) for a, b in zip(values, rights, strict=True)]
        equal = _join("and", parts)
        return equal if sign in ("=", "==") else _different(equal)

    def right(self, left: _Place) -> tuple[Expr, ...]:
        """The right side of a comparison: a number, an address, values in braces, or another place."""
        cursor = self.cursor
        token = cursor.token
        if cursor.accept("{"):
            values = [self.constant(left, 0)]
            while cursor.accept(","):
                values.append(self.constant(left, len(values)))
            cursor.expect("}")
            return tuple(values)
        register = token.kind in ("number", "name") and cursor.peek().text == ":"
        if register or token.text in ("[", "*"):
            return self.operand().values
        return (self.constant(left, 0),)

    def constant(self, left: _Place, index: int) -> Expr:
        """A number or an address, at the width of element `index` of `left`."""
        token = self.cursor.token
        width = left.values[min(index, len(left.values) - 1)].width
        if token.kind == "number":
            self.cursor.advance()
            value = number(token.text)
            if value is None or not -(1 << width - 1) <= value < 1 << width:
                message = f"{token.text[:45]} does not fit into the {width} bits of '{left.token.text}'"
                raise CellError("MM327", message, token.start, token.end)
            if (
                value < 0
                and width == 64
                and value >= -(1 << 31)
                and left.register
                and self.names.narrow(*left.register)
            ):
                width = 32
            return constant(value, width)
        self.cursor.accept("&")
        token = self.cursor.token
        if token.kind != "name":
            raise self.cursor.wrong("a number or a location")
        self.cursor.advance()
        location = self.find(token)
        return constant(location.element(self.index(location, token) or 0), width)

    # --- places ------------------------------------------------------------------------------------------

    def operand(self) -> _Place:
        """A register ``0:X1`` or a location ``x``, ``[x]``, ``*x``, ``x[1]``."""
        cursor = self.cursor
        token = cursor.token
        if token.kind in ("number", "name") and cursor.peek().text == ":":
            return self.register()
        if cursor.accept("["):
            name = cursor.name("a location")
            place = self.location(name)
            cursor.expect("]")
            return place
        cursor.accept("*")
        return self.location(cursor.name("a register or a location", "write '0:X1=2', '[x]=1' or 'x=1'"))

    def register(self) -> _Place:
        thread = self.cursor.advance()
        self.cursor.advance()
        token = self.cursor.name("a register")
        number_text = thread.text.removeprefix("P")
        name = str(int(number_text)) if number_text.isdigit() and len(number_text) < 7 else thread.text
        if name not in self.names.threads:
            help = "the threads are " + ", ".join(f"P{t}" for t in self.names.threads)
            raise CellError("MM322", f"there is no thread '{thread.text}'", thread.start, thread.end, help)
        found = self.names.registers(token.text)
        if found is None:
            help = f"a location is written '[{token.text}]'" if token.text in self.names.locations else self.names.hint
            raise CellError("MM323", f"unknown register '{token.text}'", token.start, token.end, help)
        self.footer.registers.add((name, found[0]))
        shown = Token("name", f"{thread.text}:{token.text}", thread.start, token.end)
        if found[0] not in self.names.used[name] and found[0] != ZERO:
            raise self.unused(name, found[0], shown, token.text)
        register = state_register(name, found[0], found[1])
        self.record(Shown(register.name, (register,), wide=(name, found[0]) in self.names.wide))
        return _Place((low(register, found[2]),), shown, (name, found[0]))

    def unused(self, thread: str, register: str, shown: Token, text: str) -> CellError:
        """The error for a register that its thread neither initialises nor names: misspelt, it would always be 0."""
        message = f"P{thread} neither initialises nor uses register '{text}': it would always be 0"
        others = [other for other in self.names.threads if register in self.names.used[other]]
        here = printing_order(state_register(thread, each) for each in self.names.used[thread] if each[0] != "%")
        if len(others) == 1:
            help = f"did you mean '{others[0]}:{text}'?"
        elif here:
            help = f"the registers of P{thread} are " + ", ".join(each.name for each in here[:12])
        else:
            help = f"P{thread} uses no register"
        return CellError("MM323", message, shown.start, shown.end, help)

    def find(self, token: Token) -> Location:
        location = self.names.locations.get(token.text)
        if location is None:
            help = nearest(token.text, self.names.locations)
            if not help and self.names.registers(token.text) is not None:
                help = f"a register is written with its thread, '0:{token.text}'"
            message = f"unknown location '{token.text}': the test neither declares nor accesses it"
            raise CellError("MM324", message, token.start, token.end, help)
        return location

    def index(self, location: Location, token: Token) -> int | None:
        """The index in brackets that follows a location, or None."""
        if self.cursor.token.text != "[" or self.cursor.peek().kind != "number":
            return None
        self.cursor.advance()
        place = self.cursor.advance()
        self.cursor.expect("]")
        index = number(place.text)
        if location.count is None:
            raise CellError("MM328", f"'{location.name}' is not an array", token.start, place.end + 1)
        if index is None or not 0 <= index < location.count:
            message = f"'{location.name}' has the elements 0 to {location.count - 1}, not {place.text[:20]}"
            raise CellError("MM328", message, place.start, place.end)
        return index

    def location(self, token: Token) -> _Place:
        location = self.find(token)
        index = self.index(location, token)
        chosen = range(location.count or 1) if index is None else (index,)
        cells = tuple(state_cell(location.label(i), location.width) for i in chosen)
        if location.count is None:
            self.record(Shown(cells[0].name, cells))
        else:
            self.record(Shown(location.name if index is None else location.label(index), cells, index is None))
        return _Place(cells, token)

    def record(self, shown: Shown) -> None:
        if self.recording:
            self.footer.shown[shown.name] = shown


def _equal(a: Expr, b: Expr) -> Expr:
    if isinstance(b, Const) and b.width < a.width:
        a = low(a, b.width)
    width = max(a.width, b.width)
    return Op("eq", (widen(a, width), widen(b, width)), 1)


def _different(equal: Expr) -> Expr:
    if isinstance(equal, Op) and equal.op == "eq":
        return Op("ne", equal.args, 1)
    return Op("not", (equal,), 1)


def _join(name: str, parts: list[Expr]) -> Expr:
    """`parts` joined as a balanced tree, so that a long condition is not a deep one."""
    while len(parts) > 1:
        pairs = [Op(name, (a, b), 1) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = [*pairs, parts[-1]] if len(parts) % 2 else list[Expr](pairs)
    return parts[0]
