"""A herd test, read: from a file to a `LitmusTest`.

The table's cells are lowered by their text alone (cached); this module gives them their places, joins them
to threads, finds the locations and their widths, and checks what concerns more than one cell.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Mapping
from typing import TypeAlias

from mmcheck.base.errors import Diagnostic, InputError
from mmcheck.base.records import record, replace
from mmcheck.base.source import SourceFile, Span
from mmcheck.ir.program import Assign, Block, Const, Expr, Jump, Label, Origin, Program, Reg, Statement, Thread
from mmcheck.language.herd.cell import END, Cell, CellError, Order, live, nearest, shorten
from mmcheck.language.herd.columns import Layout, split
from mmcheck.language.herd.condition import Footer, Registers, parse_footer
from mmcheck.language.herd.condition import Names as Known
from mmcheck.language.herd.flow import endless
from mmcheck.language.herd.init import Item, Value, parse_item
from mmcheck.language.herd.memory import Location, Names, accesses, alone, cells, place
from mmcheck.language.herd.rounds import written_out
from mmcheck.language.herd.show import Shown, in_order
from mmcheck.language.herd.values import constant
from mmcheck.target.targets import of_herd

MAX_DIAGNOSTICS = 20


@record
class LitmusTest:
    """One test: a program, and a question about its final states.

    `arch` is ``AArch64``, ``X86_64`` or ``X86``; `quantifier` is ``exists``, ``~exists`` or ``forall``. `condition` and
    `filter` are 1-bit expressions over `state_register` and `state_cell`. `observed` are the registers and
    cells that final states are projected on, `shown` how they are printed, in herd's order. `meta` has the
    ``Key=value`` lines and the doc string (``doc``). `keys` has one key for each thread, equal only for the same
    statements and initial values, whatever their places in the text.
    """

    name: str
    arch: str
    program: Program
    quantifier: str
    condition: Expr
    observed: tuple[Reg, ...]
    filter: Expr | None
    meta: Mapping[str, str]
    span: Span
    keys: tuple[Hashable, ...] = ()
    shown: tuple[Shown, ...] = ()


def read_litmus(file: SourceFile) -> LitmusTest:
    """The test in `file`. Raises `InputError`, with several diagnostics where possible."""
    return Reader(split(file)).read()


@record
class _Initial:
    """The initial value of a register."""

    register: tuple[str, int, int]
    item: Item
    span: Span


Site: TypeAlias = tuple[int, int] | None
"""Address and width of the location that an x86 instruction names."""
Place: TypeAlias = Callable[[str], tuple[str, int] | None]
"""The location that a cell names, if any, and the width of the access, 0 if the text does not say."""


def _instructions(arch: str) -> tuple[str, Registers, Callable[[str, Site], Cell], Place]:
    """Of an instruction set, of which only this one is loaded: which registers there are, as a hint and as names in
    final states, the meaning of a cell, and the location that it names."""
    if arch == "AArch64":
        from mmcheck.language.herd import aarch64, aarch64_operands

        hint = "registers are X0 to X30 and W0 to W30"
        return hint, aarch64_operands.state_name, lambda text, _: aarch64.parse_cell(text), lambda _: None
    from mmcheck.language.herd import x86, x86_operands

    return (
        "registers are " + " ".join(x86_operands.known_registers(arch)[:16]),
        lambda text: x86_operands.state_name(text, arch),
        lambda text, site: x86.parse_cell(text, arch, site),
        lambda text: x86.place_of(text, arch),
    )


def named(texts: Iterable[str], place_of: Place) -> dict[str, int]:
    """The locations that cells name, each with the first width of an access that some cell says, or 0."""
    guesses: dict[str, int] = {}
    for text in texts:
        found = place_of(text)
        if found is not None:
            name, width = found
            guesses[name] = guesses.get(name, 0) or width
    return guesses


def is_mixed(orders: Container[Order]) -> bool:
    """Whether of instructions with these orders of operands one might as well be read the other way."""
    return ("last?" in orders and "first" in orders) or ("first?" in orders and "last" in orders)


class Reader:
    """Reads one test. Afterwards `declared_widths` are the widths of locations as declared, `used` the registers that
    threads initialise or name, and `ended` the end of the test."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.arch = layout.arch
        self.problems: list[Diagnostic] = []
        self.locations: dict[str, Location] = {}
        self.declared: dict[str, Item] = {}
        self.guesses: dict[str, int] = {}
        self.hint, self.registers, self.parse, self.place_of = _instructions(layout.arch)
        self.names = tuple(name for name, _ in layout.threads)
        self.word = 32 if self.arch == "X86" else 64
        self.initial: dict[str, dict[str, _Initial]] = {name: {} for name in self.names}
        self.parts: dict[str, list[tuple[str, Site]]] = {}
        self.orders: dict[str, dict[Order, tuple[Cell, Span]]] = {name: {} for name in self.names}
        """Of each thread and order of operands, the first cell that has it."""
        self.used: dict[str, set[str]] = {name: set() for name in self.names}

    def problem(self, error: CellError, offset: int = 0) -> None:
        span = self.layout.span(offset + error.start, offset + error.end)
        self.problems.append(Diagnostic(error.code, error.message, span, error.help))

    def check(self) -> None:
        if self.problems:
            ordered = sorted(self.problems, key=lambda d: d.span.start if d.span is not None else 0)
            raise InputError(ordered[:MAX_DIAGNOSTICS])

    def begin(self) -> None:
        """Read the initial state; `problems` has what is wrong with it."""
        self.read_init()
        self.named_in_code()
        place(self.locations)
        self.declared_widths = {name: location.width for name, location in self.locations.items()}

    def agent(self, number: int) -> Thread:
        """Read one thread; `problems` has what is wrong with it."""
        name, span = self.layout.threads[number]
        body = self.thread(name, self.layout.columns[number])
        return Thread(name, self.whole(name, body), origin=Origin(span, f"P{name}"))

    def read(self) -> LitmusTest:
        layout = self.layout
        columns = layout.columns
        self.begin()
        bodies = [self.thread(name, column) for name, column in zip(self.names, columns, strict=True)]
        self.check_orders()
        self.check()
        self.settle_widths(bodies)
        footer = self.ended = self.footer(bodies)
        self.check()
        threads = tuple(
            Thread(name, self.whole(name, body), origin=Origin(span, f"P{name}"))
            for (name, span), body in zip(layout.threads, bodies, strict=True)
        )
        program = Program(layout.name, of_herd(self.arch), threads, cells(self.locations, self.locations))
        meta = dict(layout.meta)
        if footer.expectations:
            meta["with"] = footer.expectations
        shown = in_order(footer.shown.values())
        observed = tuple({place.name: place for each in shown for place in each.places}.values())
        return LitmusTest(
            layout.name,
            self.arch,
            program,
            footer.quantifier,
            footer.condition,
            observed,
            footer.filter,
            meta,
            layout.name_span,
            tuple([self.key(name) for name in self.names]),
            shown,
        )

    # --- initial state -----------------------------------------------------------------------------------

    def read_init(self) -> None:
        start, end = self.layout.init
        offset = start
        for piece in self.layout.text[start:end].split(";"):
            if len(self.problems) >= MAX_DIAGNOSTICS:
                break
            text = piece.strip()
            if text:
                left = offset + piece.index(text[0])
                try:
                    item = parse_item(text)
                    if item is not None:
                        self.declare(item, left)
                except CellError as error:
                    self.problem(error, left)
            offset += len(piece) + 1

    def declare(self, item: Item, offset: int) -> None:
        for value in item.values:
            if value.symbol and value.symbol not in self.locations:
                self.locations[value.symbol] = Location(value.symbol)
        if item.thread:
            self.declare_register(item, offset)
            return
        item = self.merge(item.name, item)
        location = self.locations.setdefault(item.name, Location(item.name))
        location.span = self.layout.span(offset + item.start, offset + item.end)
        location.width = item.width
        if item.pointer or (not item.width and any(value.symbol for value in item.values)):
            location.width = self.word
        location.count = item.count
        location.values = item.values

    def declare_register(self, item: Item, offset: int) -> None:
        found = self.registers(item.name)
        if item.thread not in self.initial:
            help = "the threads are " + ", ".join(f"P{name}" for name in self.names)
            raise CellError("MM322", f"there is no thread '{item.thread}'", 0, item.end, help)
        if found is None:
            raise CellError("MM323", f"unknown register '{item.name}'", item.start, item.end, self.hint)
        if item.count is not None:
            raise CellError("MM328", "a register is not an array", item.start, item.end)
        for value in item.values:
            if not value.symbol and not _fits(value.number, found[2]):
                message = f"{value.number} does not fit into the {found[2]} bits of '{item.name}'"
                raise CellError("MM327", message, value.start, value.end)
        end = item.values[-1].end if item.values else item.end
        item = self.merge(f"{item.thread}:{found[0]}", item)
        self.used[item.thread].add(found[0])
        self.initial[item.thread][found[0]] = _Initial(found, item, self.layout.span(offset, offset + end))

    def merge(self, key: str, item: Item) -> Item:
        """`item`, joined with an earlier declaration of the same thing: a type and a value may stand apart."""
        before = self.declared.get(key)
        if before is not None:
            same = [v[:3] for v in before.values] == [v[:3] for v in item.values]
            values = before.values and item.values and not same
            types = before.width and item.width and before.width != item.width
            if values or types or before.count != item.count:
                raise CellError("MM325", f"'{key}' is declared twice", item.start, item.end, "keep one of the two")
            width, pointer = item.width or before.width, item.pointer or before.pointer
            item = replace(item, width=width, pointer=pointer, values=item.values or before.values)
        self.declared[key] = item
        return item

    def whole(self, thread: str, body: list[Statement]) -> Block:
        """`body` behind the initial values of registers, and loops written out whose rounds are known."""
        return written_out((*self.prologue(thread), *body))

    def prologue(self, thread: str) -> list[Statement]:
        """The assignments of the initial values of registers."""
        made: list[Statement] = []
        for name, initial in self.initial[thread].items():
            for value in initial.item.values:
                number = self.locations[value.symbol].element(value.element) if value.symbol else value.number
                _, full, width = initial.register
                text = " ".join(initial.span.text.split())
                made.append(
                    Assign(Reg(name, full), Const(constant(number, width).value, full), Origin(initial.span, text))
                )
        return made

    def key(self, thread: str) -> Hashable:
        """All that the statements of `thread` are made from."""
        initial = [
            (initial.register, self.locations[v.symbol].element(v.element) if v.symbol else v.number)
            for initial in self.initial[thread].values()
            for v in initial.item.values
        ]
        return self.arch, tuple(initial), tuple(self.parts[thread])

    # --- the table -----------------------------------------------------------------------------------------

    def named_in_code(self) -> None:
        """Add the locations that x86 instructions name, with a first guess of their widths."""
        if self.arch == "AArch64":
            return
        guesses = named([text for column in self.layout.columns for text, _ in column], self.place_of)
        for name in guesses:
            if name not in self.locations:
                self.locations[name] = Location(name)
        self.guesses = {name: width or 32 for name, width in guesses.items()}

    def site(self, text: str) -> Site:
        """Address and width, as far as they are known, of the location that an x86 instruction names."""
        found = self.place_of(text)
        if found is None:
            return None
        location = self.locations[found[0]]
        return location.address, location.width or self.guesses[location.name]

    def thread(self, name: str, column: tuple[tuple[str, int], ...]) -> list[Statement]:
        """The statements of thread `name`."""
        parsed: list[tuple[Cell, int]] = []
        failed = False
        parts = self.parts[name] = []
        for text, offset in column:
            if len(self.problems) >= MAX_DIAGNOSTICS:
                break
            try:
                site = self.site(text)
                parts.append((text, site))
                parsed.append((self.parse(text, site), offset))
            except CellError as error:
                self.problem(error, offset)
                failed = True
        self.used[name].update(*[cell.registers for cell, _ in parsed])
        if not failed and self.check_labels(parsed):
            self.check_loops(parsed)
        file = self.layout.file
        for cell, offset in parsed:
            if cell.order:
                place = Span(file, offset + cell.start, offset + cell.end)
                self.orders[name].setdefault(cell.order, (cell, place))
        body: list[Statement] = []
        returns = False
        writes = any(cell.writes for cell, _ in parsed)
        for cell, offset, steps in live(parsed) if writes else ((c, o, c.steps) for c, o in parsed):
            for label in cell.labels:
                span = Span(file, offset + label.start, offset + label.end)
                body.append(Label(label.text, Origin(span, label.text + ":")))
            if steps:
                origin = Origin(Span(file, offset + cell.start, offset + cell.end), cell.text)
                for make, args in steps:
                    body.append(make(*args, origin))
                    returns = returns or (make is Jump and args[0] == END)
        if returns:
            body.append(Label(END))
        return body

    def check_orders(self) -> None:
        """Complain about an instruction that is read one way only because of the format, where others are written the
        other way."""
        found: dict[Order, tuple[Cell, Span]] = {}
        for orders in self.orders.values():
            found = {**orders, **found}
        if not is_mixed(found):
            return
        guessed, other = ("last?", "first") if "last?" in found else ("first?", "last")
        (cell, span), (against, place) = found[guessed], found[other]  # type: ignore[index]
        message = (
            f"'{shorten(cell.text)}' has two readings: with the destination {guessed[:-1]}, as {self.arch} has it, or"
            f" with the destination {other}, as '{shorten(against.text)}' in line {place.line} has it"
        )
        help = f"write the destination {guessed[:-1]} everywhere"
        self.problems.append(Diagnostic("MM331", message, span, help))

    def check_labels(self, parsed: list[tuple[Cell, int]]) -> bool:
        before = len(self.problems)
        labels: set[str] = set()
        for cell, offset in parsed:
            for label in cell.labels:
                if label.text in labels:
                    message = f"label '{label.text}' stands twice in this thread"
                    self.problem(CellError("MM321", message, label.start, label.end, "rename one of the two"), offset)
                labels.add(label.text)
        for cell, offset in parsed:
            for target in cell.targets:
                if target.text not in labels:
                    help = nearest(target.text, labels) or f"labels stand before an instruction, as in '{target.text}:'"
                    message = f"there is no label '{target.text}' in this thread"
                    self.problem(CellError("MM320", message, target.start, target.end, help), offset)
        return len(self.problems) == before

    def check_loops(self, parsed: list[tuple[Cell, int]]) -> None:
        found = endless([cell for cell, _ in parsed])
        if found is not None:
            cell, offset = parsed[found]
            message = "this loop never ends: no path leads out of it to the end of the thread"
            help = "give it a way out, such as 'CBNZ W0,end'; what can be left is run up to --bound times"
            if self.arch != "AArch64":
                help = help.replace("CBNZ W0,end", "jne end")
            self.problem(CellError("MM329", message, cell.start, cell.end, help), offset)

    # --- widths --------------------------------------------------------------------------------------------

    def settle_widths(self, bodies: list[list[Statement]]) -> None:
        """Give every location its width, and refuse accesses of another."""
        pointers = [self.pointers(name) for name in self.names]
        typed = {name for name, location in self.locations.items() if location.width}
        for access in accesses(bodies, pointers, self.locations, self.word):
            for name in access.names:
                location = self.locations[name]
                if not location.width:
                    location.width = access.width
                elif location.width != access.width:
                    self.mixed(location, access.width, access.origin, name in typed)
        for table in self.initial.values():
            for initial in table.values():
                self.check_elements(initial.item.values, initial.span)
        for location in self.locations.values():
            location.width = location.width or 32
            self.check_elements(location.values, location.span)
            for value in location.values:
                if not value.symbol and not _fits(value.number, location.width):
                    message = f"{value.number} does not fit into the {location.width} bits of '{location.name}'"
                    self.problems.append(Diagnostic("MM327", message, location.span))

    def pointers(self, thread: str) -> dict[str, str]:
        """The registers of `thread` that hold addresses at first, and of what."""
        return {
            register: value.symbol
            for register, initial in self.initial[thread].items()
            for value in initial.item.values
            if value.symbol
        }

    def accesses(self, thread: Thread) -> tuple[tuple[Names, int], ...] | None:
        """As `mmcheck.language.herd.memory.alone`."""
        return alone(thread.body, self.pointers(thread.name), self.locations, self.word)

    def check_elements(self, values: Iterable[Value], span: Span | None) -> None:
        """Complain about addresses of elements that do not exist."""
        for value in values:
            count = (self.locations[value.symbol].count or 1) if value.symbol else 1
            if value.element >= count:
                message = f"'{value.symbol}' has no element {value.element}"
                help = f"its elements are 0 to {count - 1}" if count > 1 else "it is not an array of that size"
                self.problems.append(Diagnostic("MM328", message, span, help))

    def mixed(self, location: Location, width: int, origin: Origin, typed: bool) -> None:
        how = "is declared with" if typed else "is accessed elsewhere with"
        message = f"mixed sizes: this access has {width} bits, but '{location.name}' {how} {location.width}"
        help = "every access has the width of its location"
        if typed and width == 64:
            help = f"declare it as 'int64_t {location.name}'"
        if not any(d.span == origin.span for d in self.problems):
            self.problems.append(Diagnostic("MM330", message, origin.span, help))

    # --- the condition ---------------------------------------------------------------------------------------

    def footer(self, bodies: list[list[Statement]]) -> Footer:
        by_name = dict(zip(self.names, bodies, strict=True))
        names = Known(
            self.names,
            self.registers,
            self.locations,
            self.used,
            lambda thread, register: _only_narrow(by_name[thread], register),
            self.hint,
            {(thread, name) for thread, of in self.initial.items() for name in of if of[name].item.width == 64},
        )
        try:
            return parse_footer(self.layout.text, self.layout.footer, names)
        except CellError as error:
            self.problem(error)
            return Footer()


def _fits(value: int, width: int) -> bool:
    """Whether `value`, signed or unsigned, is a number of `width` bits."""
    return -(1 << width - 1) <= value < 1 << width


def _only_narrow(body: list[Statement], register: str) -> bool:
    """Whether every value that `body` gives to `register` comes from 32 bits."""
    for s in body:
        dst = getattr(s, "dst", None)
        if isinstance(dst, Reg) and dst.name == register:
            expr = s.expr if isinstance(s, Assign) else None
            narrow = getattr(expr, "op", "") == "zext" or (isinstance(expr, Const) and expr.value < 1 << 32)
            if not narrow:
                return False
    return True
