"""From pieces to statements: loads, stores, read-modify-writes and fences of one body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mmcheck.base.errors import InternalError
from mmcheck.base.records import replace
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower import values
from mmcheck.language.lower.choices import SiteChoice, same_registers
from mmcheck.language.lower.context import Context
from mmcheck.language.lower.expressions import Place, offset, single
from mmcheck.language.lower.frames import Frame
from mmcheck.language.lower.names import problem
from mmcheck.language.lower.types import BOOL, ArrayType, LatchType, RecordType, Scalar, width_of
from mmcheck.language.lower.values import RecordVal, Val, Value
from mmcheck.target.pieces import AccessPiece, FencePiece, Piece
from mmcheck.target.words import METHODS, WORDS, Word

MAX_SINGLE_COPY = 8
"""Bytes that one access reads or writes as a whole."""


class Accesses:
    """Emits events into a body."""

    def __init__(self, context: Context, frame: Frame) -> None:
        self._context = context
        self._frame = frame
        self._open: tuple[SiteChoice, Span] | None = None

    def leave_open(self, choice: SiteChoice | None, span: Span) -> None:
        """The next access is the site `choice`, if that is one."""
        self._open = (choice, span) if choice is not None else None

    def choose(
        self,
        choice: SiteChoice,
        span: Span,
        event: Callable[[AccessPiece], Value | None] | None = None,
        ok: ir.Reg | None = None,
    ) -> Value | None:
        """A `Choice` of all that may stand at a site; `event` emits the access of each option."""
        result: Value | None = None
        options: list[tuple[str, tuple[ir.Statement, ...]]] = []
        for option in choice.options:
            value: Value | None = None
            with self._frame.aside() as out:
                for word, orders in option.words:
                    text = f"{word.name}({', '.join(orders)})"
                    for piece in self._context.realise(word, orders, span):
                        if not isinstance(piece, FencePiece):
                            value = event(piece) if event is not None else None
                        elif piece.tags:
                            self.fence(piece, text, ok)
            result = result if options else value
            body = same_registers(options[0][1], tuple(out)) if options and event is not None else tuple(out)
            options.append((option.name, body))
        self._frame.emit(ir.Choice(choice.site, tuple(options), self._frame.origin))
        return result

    def _origin(self, word: str) -> ir.Origin:
        return replace(self._frame.origin, word=word)

    def fence(self, piece: FencePiece, word: str, ok: ir.Reg | None = None) -> None:
        """A fence; with `ok` and a piece that asks for it, passed only if the operation succeeded."""
        if not piece.tags.isdisjoint(("IrqOff", "IrqOn")) and self._context.cpus.handlers:
            self._frame.emit(
                ir.Assign(ir.Reg(ir.MASKED, 1), ir.Const(int("IrqOff" in piece.tags), 1), self._frame.origin)
            )
        statement = ir.Fence(piece.tags, self._origin(word))
        if piece.when == "success" and ok is not None:
            self._frame.emit(ir.If(ok, (statement,), (), self._origin(word)))
        else:
            self._frame.emit(statement)

    def around(
        self, pieces: Sequence[Piece], word: str, event: Callable[[AccessPiece], Value | None], ok: ir.Reg | None = None
    ) -> Value | None:
        """The pieces in order; `event` emits the access among them."""
        if self._open is not None:
            (choice, span), self._open = self._open, None
            return self.choose(choice, span, event, ok)
        result: Value | None = None
        for piece in pieces:
            if isinstance(piece, FencePiece):
                self.fence(piece, word, ok)
            else:
                result = event(piece)
        return result

    # --- loads ---

    def load(self, place: Place, pieces: Sequence[Piece], word: str, span: Span) -> Val:
        """One read of a scalar place; of a latch, its last value."""

        def event(piece: AccessPiece) -> Val:
            return self._load(place, piece, word, span)

        result = self.around(pieces, word, event)
        assert isinstance(result, Val)
        return result

    def _load(self, place: Place, piece: AccessPiece, word: str, span: Span) -> Val:
        type_ = single(place).type
        if isinstance(type_, RecordType | ArrayType):
            raise problem("MM216", f"'{place.name}' is an {type_}: name one element", span)
        if isinstance(type_, LatchType) and type_.value is None:
            raise problem("MM216", f"'{place.name}' is a latch without a value", span, "'take()' says if it was set")
        dst = self._frame.temporary(width_of(type_))
        if piece.kind == "rmw":
            raise InternalError("a load has become a read-modify-write")
        self._frame.emit(ir.Load(dst, place.address, piece.read_tags, False, self._origin(word)))
        if isinstance(type_, LatchType) and type_.value is not None:
            return Val(values.resize(dst, type_.value.width), type_.value)
        return Val(dst, type_)

    def load_fields(self, place: Place, type_: RecordType, pieces: Sequence[Piece], word: str, span: Span) -> RecordVal:
        """A read of every field, in no order."""
        result: list[RecordVal] = []

        def event(piece: AccessPiece) -> None:
            with self._frame.aside() as body:
                result.append(self._fields(place, type_, piece, word, span))
            self._parallel(body, word)

        self.around(pieces, word, event)
        return result[0]

    def _fields(self, place: Place, type_: RecordType, piece: AccessPiece, word: str, span: Span) -> RecordVal:
        self._context.widths.part(place.name, type_, span)
        found: dict[str, Value] = {}
        for each in type_.fields:
            inner = Place(offset(place.address, each.offset), each.type, place.kind, f"{place.name}.{each.name}")
            if isinstance(each.type, RecordType):
                found[each.name] = self._fields(inner, each.type, piece, word, span)
            else:
                found[each.name] = self._load(inner, piece, word, span)
        return RecordVal(str(type_), found)

    def load_whole(self, place: Place, type_: RecordType, pieces: Sequence[Piece], word: str, span: Span) -> RecordVal:
        """One read of the whole record."""
        self._check_whole(place, type_, span)
        self._context.widths.whole(place.name, type_, span)

        def event(piece: AccessPiece) -> RecordVal:
            dst = self._frame.temporary(type_.size * 8)
            self._frame.emit(ir.Load(dst, place.address, piece.read_tags, False, self._origin(word)))
            return _split(dst, type_, 0)

        result = self.around(pieces, word, event)
        assert isinstance(result, RecordVal)
        # The parts are expressions on one register, each of them used perhaps later: keep the register.
        return result

    @staticmethod
    def whole(word: Word) -> bool:
        """Whether `word` accesses a record at once."""
        if word.name not in WORDS and word.name not in METHODS:
            return False
        return word.access == "Atomic" or (word.access == "Volatile" and word.family == "linux")

    @staticmethod
    def _check_whole(place: Place, type_: RecordType, span: Span) -> None:
        flat = all(not isinstance(each.type, RecordType | ArrayType | LatchType) for each in type_.fields)
        if type_.size > MAX_SINGLE_COPY or not flat:
            what = f"has {type_.size} bytes" if flat else "is nested"
            message = f"'{place.name}' {what}: one access reads or writes at most {MAX_SINGLE_COPY}, of plain fields"
            raise problem("MM216", message, span, "name a field, or use a plain or volatile access: one per field")

    # --- stores ---

    def store(self, place: Place, value: Value, pieces: Sequence[Piece], word: str, span: Span) -> None:
        """One write of a scalar place; any write sets a latch."""
        expr = self.stored(place, value, span)
        self.around(pieces, word, lambda piece: self._store(place.address, expr, piece, word))

    def stored(self, place: Place, value: Value, span: Span) -> ir.Expr:
        """`value` as the bits that a write puts at `place`."""
        type_ = single(place).type
        if isinstance(type_, LatchType):
            given = values.scalar(value, span)
            if type_.value is None:
                return ir.TRUE
            inner = values.coerce(given, type_.value, span).expr
            return pending(values.resize(inner, width_of(type_)))
        return values.coerce(value, type_, span).expr

    def _store(self, address: ir.Expr, expr: ir.Expr, piece: AccessPiece, word: str) -> None:
        origin = self._origin(word)
        if piece.kind == "rmw":
            dst = self._frame.temporary(expr.width)
            self._frame.emit(
                ir.Rmw(dst, address, expr, piece.read_tags, piece.write_tags, exclusive=piece.exclusive, origin=origin)
            )
        else:
            self._frame.emit(ir.Store(address, expr, piece.write_tags, origin))

    def store_fields(
        self, place: Place, type_: RecordType, value: RecordVal, pieces: Sequence[Piece], word: str, span: Span
    ) -> None:
        """A write of every field, in no order."""
        parts = list(self._parts(place, type_, value, span))

        def event(piece: AccessPiece) -> None:
            with self._frame.aside() as body:
                for address, expr in parts:
                    self._store(address, expr, piece, word)
            self._parallel(body, word)

        self.around(pieces, word, event)

    def _parts(
        self, place: Place, type_: RecordType, value: RecordVal, span: Span
    ) -> Iterable[tuple[ir.Expr, ir.Expr]]:
        self._context.widths.part(place.name, type_, span)
        for each in type_.fields:
            given = value.fields.get(each.name)
            if given is None:
                raise problem("MM216", f"{values.describe(value)} has no field '{each.name}'", span)
            inner = Place(offset(place.address, each.offset), each.type, place.kind, f"{place.name}.{each.name}")
            if isinstance(each.type, RecordType) and isinstance(given, RecordVal):
                yield from self._parts(inner, each.type, given, span)
            else:
                yield inner.address, self.stored(inner, given, span)

    def store_whole(
        self, place: Place, type_: RecordType, value: RecordVal, pieces: Sequence[Piece], word: str, span: Span
    ) -> None:
        """One write of the whole record."""
        self._check_whole(place, type_, span)
        self._context.widths.whole(place.name, type_, span)
        whole: ir.Expr = ir.Const(0, type_.size * 8)
        for each in type_.fields:
            inner = Place(place.address, each.type, place.kind, f"{place.name}.{each.name}")
            given = value.fields.get(each.name)
            if given is None:
                raise problem("MM216", f"{values.describe(value)} has no field '{each.name}'", span)
            part = values.resize(self.stored(inner, given, span), whole.width)
            shifted = values.make("shl", (part, ir.Const(each.offset * 8, whole.width)), whole.width)
            whole = shifted if whole == ir.Const(0, whole.width) else values.make("or", (whole, shifted), whole.width)
        self.around(pieces, word, lambda piece: self._store(place.address, whole, piece, word))

    def _parallel(self, body: list[ir.Statement], word: str) -> None:
        if len(body) == 1:
            self._frame.emit(body[0])
        else:
            self._frame.emit(ir.Parallel(tuple(body), self._origin(word)))

    # --- read-modify-writes ---

    def modify(self, place: Place, new: ir.Expr, pieces: Sequence[Piece], word: str, type_: Scalar) -> Val:
        """Read, write `new` (over `OLD`); gives the old value."""
        dst = self._frame.temporary(width_of(type_))

        def event(piece: AccessPiece) -> Val:
            self._frame.emit(
                ir.Rmw(
                    dst,
                    place.address,
                    _compared(new) if piece.exclusive else new,
                    piece.read_tags,
                    piece.write_tags,
                    exclusive=piece.exclusive,
                    origin=self._origin(word),
                )
            )
            return Val(dst, type_)

        result = self.around(pieces, word, event)
        assert isinstance(result, Val)
        return result

    def take(self, place: Place, pieces: Sequence[Piece], word: str) -> Val:
        """Clear a latch's mark and keep its value; true if it was set. Without a mark nothing is written."""
        assert isinstance(place.type, LatchType)
        width = width_of(place.type)
        old = ir.Reg(ir.OLD, width)
        new = values.make("and", (old, ir.Const((1 << width - 1) - 1, width)), width)
        return self._conditional(place, new, is_pending(old), None, pieces, word)[1]

    def compare_exchange(
        self, place: Place, expected: Val, new: Val, pieces: Sequence[Piece], word: str, *, weak: bool
    ) -> tuple[Val, Val]:
        """The old value, and whether `new` was written. `weak`: an exclusive pair may fail without cause."""
        old = ir.Reg(ir.OLD, expected.expr.width)
        if weak and any(isinstance(piece, AccessPiece) and piece.exclusive for piece in pieces):
            return self._weak(place, expected, new, pieces, word)
        when = values.make("eq", (old, expected.expr), 1)
        value, ok = self._conditional(place, new.expr, when, expected.expr, pieces, word)
        return Val(value.expr, expected.type), ok

    def _conditional(
        self,
        place: Place,
        new: ir.Expr,
        when: ir.Expr,
        compare: ir.Expr | None,
        pieces: Sequence[Piece],
        word: str,
    ) -> tuple[Val, Val]:
        dst = self._frame.temporary(new.width)
        ok = self._frame.temporary(1)

        def event(piece: AccessPiece) -> None:
            self._frame.emit(
                ir.Rmw(
                    dst,
                    place.address,
                    new,
                    piece.read_tags,
                    piece.write_tags,
                    when,
                    piece.fail_tags or piece.read_tags,
                    ok,
                    compare,
                    exclusive=piece.exclusive,
                    origin=self._origin(word),
                )
            )

        self.around(pieces, word, event, ok)
        type_ = single(place).type
        assert not isinstance(type_, RecordType | ArrayType)
        return Val(dst, type_), Val(ok, BOOL)

    def _weak(self, place: Place, expected: Val, new: Val, pieces: Sequence[Piece], word: str) -> tuple[Val, Val]:
        """LDXR, compare, STXR: once, and not repeated if the STXR fails."""
        frame, origin = self._frame, self._origin(word)
        dst, ok, status = frame.temporary(expected.expr.width), frame.temporary(1), frame.temporary(1)

        def event(piece: AccessPiece) -> None:
            self._frame.emit(ir.Load(dst, place.address, piece.read_tags, True, origin))
            self._frame.emit(ir.Assign(ok, ir.FALSE, origin))
            store = ir.StoreExclusive(status, place.address, new.expr, piece.write_tags, origin)
            succeeded = ir.Assign(ok, values.make("not", (status,), 1), origin)
            cond = values.make("eq", (dst, expected.expr), 1)
            self._frame.emit(ir.If(cond, (store, succeeded), (), origin))

        self.around(pieces, word, event, ok)
        return Val(dst, expected.type), Val(ok, BOOL)


def pending(value: ir.Expr) -> ir.Expr:
    """The bits of a latch that is set and holds `value`, which has the latch's width."""
    return values.make("or", (value, ir.Const(1 << value.width - 1, value.width)), value.width)


def is_pending(bits: ir.Expr) -> ir.Expr:
    """Whether a latch with these bits is set."""
    if bits.width == 1:
        return bits
    top = values.make("lshr", (bits, ir.Const(bits.width - 1, bits.width)), bits.width)
    return values.make("trunc", (top,), 1)


def _split(whole: ir.Reg, type_: RecordType, base: int) -> RecordVal:
    """The fields of a record that was read at once."""
    found: dict[str, Value] = {}
    for each in type_.fields:
        assert not isinstance(each.type, RecordType | ArrayType | LatchType)
        shift = (base + each.offset) * 8
        moved = values.make("lshr", (whole, ir.Const(shift, whole.width)), whole.width) if shift else whole
        found[each.name] = Val(values.resize(moved, width_of(each.type)), each.type)
    return RecordVal(str(type_), found)


def _compared(new: ir.Expr) -> ir.Expr:
    """A minimum or maximum as a loop of exclusives makes it, which compares and selects; else as it is."""
    if not isinstance(new, ir.Op) or new.op[1:] not in ("min", "max"):
        return new
    old, operand = new.args
    args = (old, operand) if new.op.endswith("min") else (operand, old)
    return values.make("select", (values.make(f"{new.op[0]}lt", args, 1), old, operand), new.width)
