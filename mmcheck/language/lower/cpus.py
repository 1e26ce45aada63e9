"""CPUs in a specification: interrupt handlers, memory per CPU, migration (docs/models-preemption.md).

Three things are told through memory that no specification can name, so that coherence on one CPU says what they are:

* **where a thread is**: a cell that ``migrate`` writes in the handler and `this_cpu_ptr` reads. The read is plain: it
  may be moved or made once, as a compiler does with a pointer (docs/models.md). Without any ``migrate`` the CPU is a
  constant, and no event.
* **what ``current.x`` is**: each write to a private that some handler reads so is repeated to a cell, volatile and
  without dependencies; it stands for the moment at which the private changes, and orders nothing for the hardware.
* **that an interrupt is raised**: a latch, set by a device's write and taken as the handler begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mmcheck.base.records import record, replace
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower import values
from mmcheck.language.lower.expressions import Place
from mmcheck.language.lower.names import problem
from mmcheck.language.lower.switches import Switches
from mmcheck.language.lower.types import BOOL, LatchType, width_of
from mmcheck.language.syntax import ast
from mmcheck.target import words
from mmcheck.target.pieces import FencePiece, Piece

if TYPE_CHECKING:
    from mmcheck.language.lower.code import Code
    from mmcheck.language.lower.unit import Unit

BASE = 1 << 40
"""Where the hidden cells stand, behind every variable."""

STEP = 0x1000
MAX_CPU = 63
MAX_RUNS = 16
"""Runs of one handler."""

GHOST = frozenset({"Volatile", "Ghost"})
CPU, HERE, HOST = ir.Reg("@%cpu", 64), ir.Reg("@%here", 64), ir.Reg("@%host", 64)
"""Of an agent: its CPU's number, if that is constant; else the cell that tells it; the cell of the one it
interrupts."""
IDLE = ir.Reg("@%idle", 1)
"""Of a handler: whether it interrupts a CPU that has nothing to do."""


def mirror(name: str) -> ir.Reg:
    """Of an agent: the cell that repeats its private `name`."""
    return ir.Reg(f"@%mirror:{name}", 64)


def current(name: str) -> ir.Reg:
    """Of a handler: the cell that repeats the private `name` of the agent that it interrupts."""
    return ir.Reg(f"@%current:{name}", 64)


@record
class Handler:
    """A declared handler with its code, before its runs are made."""

    node: ast.Agent
    cpu: int
    runs: int
    body: ir.Block
    opens: bool
    """Whether other handlers may interrupt it."""


def fence_tags(piece: Piece) -> ir.Tags:
    """The tags of a word that is a barrier and no access."""
    assert isinstance(piece, FencePiece)
    return piece.tags


class Cpus:
    """What the declarations of one program say about CPUs, and the hidden cells."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.cells: list[ir.Cell] = []
        self._addresses: dict[str, int] = {}
        agents = unit.declarations.agents.values()
        self.handlers = {agent.name.text: agent for agent in agents if agent.kind == "interrupt"}
        self.watched: set[str] = set()
        """Privates that a handler reads as ``current.name``."""
        self.moves: list[ast.Call] = []
        for node in self._nodes():
            if isinstance(node, ast.Call) and node.function.text == "migrate" and self.handlers:
                self.moves.append(node)
            elif isinstance(node, ast.Field) and isinstance(node.base, ast.Name) and node.base.text == "current":
                if "current" not in unit.declarations.variables:
                    self.watched.add(node.name.text)
        self.moving = self._of_threads()
        """Agents and functions whose code a thread runs: it may move while it does, and a handler does not."""
        self.count = 1
        self.targets: set[int] = set()
        self.idle: set[str] = set()
        """The agents that stand for a CPU which has nothing to do."""

    def _nodes(self) -> Iterator[ast.Node]:
        declarations = self.unit.declarations
        for owner in (*declarations.functions.values(), *declarations.agents.values()):
            yield from ast.walk(owner.body)  # type: ignore[attr-defined]

    def _of_threads(self) -> set[str]:
        functions = self.unit.declarations.functions
        agents = [each for each in self.unit.declarations.agents.values() if each.kind != "interrupt"]
        found = {each.name.text for each in agents}
        stack: list[ast.Block] = [each.body for each in agents]
        while stack:
            for node in ast.walk(stack.pop()):
                if isinstance(node, ast.Call) and node.function.text in functions and node.function.text not in found:
                    found.add(node.function.text)
                    stack.append(functions[node.function.text].body)
        return found

    def moves_in(self, code: Code) -> bool:
        """Whether `code` may be on one CPU and then on another."""
        return bool(self.moves) and code.owner.split("[")[0] in self.moving

    def prepare(self) -> None:
        """Find out how many CPUs there are; numbers that are wrong are reported where they stand."""
        unit = self.unit
        named = [agent.cpu for agent in unit.declarations.agents.values() if agent.cpu is not None]
        named += [call.args[0].value for call in self.moves if call.args]
        for node in self._nodes():
            if isinstance(node, ast.Call) and node.function.text == "per_cpu" and len(node.args) == 2:
                named.append(node.args[1].value)
        for each in named:
            with unit.reporter.collect():
                self.count = max(self.count, self.number(each) + 1)
        for call in self.moves:
            with unit.reporter.collect():
                if call.args:
                    self.targets.add(self.number(call.args[0].value))

    def number(self, node: ast.Expr) -> int:
        """The number of a CPU."""
        number = self.unit.constants.number(node)
        if not 0 <= number <= MAX_CPU:
            raise problem("MM251", f"CPUs have the numbers 0 to {MAX_CPU}, not {number}", node.span)
        return number

    def cell(self, name: str, width: int, init: int, span: Span | None) -> int:
        """The address of the hidden cell `name`, made when first asked for."""
        if name not in self._addresses:
            self._addresses[name] = BASE + STEP * len(self._addresses)
            self.cells.append(ir.Cell(name, self._addresses[name], width, init, span=span))
        return self._addresses[name]

    def raised(self, name: str) -> Place:
        """The latch behind ``raise name``."""
        node = self.handlers[name]
        return Place(ir.Const(self.cell(f"{name} raised", 1, 0, node.name.span), 64), LatchType(None), "memory", name)

    # --- words -------------------------------------------------------------------------------------

    def here(self, code: Code, *, whole: bool = False) -> ir.Expr:
        """The number of the CPU that the code runs on; with `whole`, read by the instruction that comes next."""
        if not self.moves_in(code):
            return CPU
        dst = code.frame.temporary(64)
        tags = frozenset({"Volatile"} if whole else {"Plain"})
        origin = replace(code.origin, word="this_cpu")
        code.emit(ir.Load(dst, HERE, tags, False, origin, whole))
        return dst

    def switch(self, code: Code, word: words.Word, given: values.Value | None, span: Span) -> values.Value | None:
        """``irq_disable`` and the like; ``irq_save`` gives whether interrupts were off."""
        masked = ir.Reg(ir.MASKED, 1)
        result = None
        if word.operation == "irq_save":
            result = code.frame.temporary(1)
            code.emit(ir.Assign(result, masked, code.origin))
        state: ir.Expr = ir.Const(int(word.operation in ("irq_disable", "irq_save")), 1)
        if given is not None:
            state = values.condition(given, span)
        code.emit(ir.Assign(masked, state, code.origin))
        for piece in code.unit.realise(word, (), span):
            code.emit(ir.Fence(fence_tags(piece), replace(code.origin, word=f"{word.name}()")))
        return None if result is None else values.Val(result, BOOL)

    def migrate(self, code: Code, word: words.Word, cpu: int, span: Span) -> None:
        """The interrupted thread goes on elsewhere, behind a full barrier."""
        origin = replace(code.origin, word=f"migrate({cpu})")
        moved: list[ir.Statement] = [ir.Store(HOST, ir.Const(cpu, 64), GHOST, origin)]
        moved += [ir.Fence(fence_tags(piece), origin) for piece in code.unit.realise(word, (), span)]
        code.emit(ir.If(ir.Op("not", (IDLE,), 1), tuple(moved), (), origin))

    def current(self, code: Code, node: ast.Field) -> values.Value:
        """``current.name``: a private of the agent that the handler interrupts."""
        private = self.unit.layout.privates.get(node.name.text)
        if private is None:
            hint = "declare it: private name = 0"
            raise problem("MM252", f"'current' has only privates, and '{node.name.text}' is none", node.span, hint)
        dst = code.frame.temporary(width_of(private.type))
        code.emit(ir.Load(dst, current(private.name), GHOST, False, replace(code.origin, word="current")))
        return values.Val(dst, private.type)

    # --- agents ------------------------------------------------------------------------------------

    def prologue(self, code: Code, node: ast.Agent, cpu: int) -> None:
        """What must be so for a run to begin: it is raised, and the interrupted thread is on its CPU."""
        code.origin = ir.Origin(node.span, f"interrupt {node.name.text}")
        if self.moves:
            dst = code.frame.temporary(64)
            code.emit(ir.Load(dst, HOST, GHOST, False, code.origin))
            code.emit(ir.Given(values.make("eq", (dst, ir.Const(cpu, 64)), 1), code.origin))
        if node.when_raised:
            pieces = code.unit.realise(words.IMPLICIT["latch_take"], (), node.span)
            taken = code.accesses.take(self.raised(node.name.text), pieces, "raised")
            code.emit(ir.Given(taken.expr, code.origin))

    def idlers(self, handlers: list[Handler], threads: list[ir.Thread]) -> Iterator[ir.Thread]:
        """What handlers interrupt on a CPU where no thread is yet, or is any more: nothing, which does not move."""
        for cpu in sorted({handler.cpu for handler in handlers}):
            here = [handler for handler in handlers if handler.cpu == cpu]
            starting = sum(each.kind == "thread" and each.cpu == cpu for each in threads)
            leaving = sum(handler.runs for handler in here if self._leaves(handler))
            runs = sum(handler.runs for handler in here)
            if leaving >= starting < runs and any(self._meets(each, cpu) for each in threads):
                name = f"idle CPU {cpu}"
                self.idle.add(name)
                yield ir.Thread(name, (), "thread", cpu=cpu, origin=ir.Origin(here[0].node.span, name))

    def _leaves(self, handler: Handler) -> bool:
        """Whether a run may take a thread to another CPU."""
        return any(
            isinstance(each, ir.Store) and each.address == HOST and each.value != ir.Const(handler.cpu, 64)
            for each in self.unit.functions.reachable(handler.body)
        )

    def runs(self, handlers: list[Handler], threads: list[ir.Thread]) -> list[ir.Thread]:
        """The runs of all handlers, each on each agent that it may interrupt; hosts stand before them."""
        out: list[ir.Thread] = []
        opening = {handler.node.name.text for handler in handlers if handler.opens}
        for handler in sorted(handlers, key=lambda each: not each.opens):
            node, name = handler.node, handler.node.name.text
            hosts = [number for number, each in enumerate(threads) if self._meets(each, handler.cpu)]
            if not hosts:
                hint = f"say which thread is there: thread … on cpu {handler.cpu}"
                message = f"no thread is on CPU {handler.cpu}, where '{name}' would interrupt it"
                self.unit.reporter.report("MM250", message, node.name.span, hint)
                continue
            hosts += [
                len(threads) + number
                for number, each in enumerate(out)
                if each.handler in opening and each.cpu == handler.cpu and each.handler != name
                and each.host is not None and each.host < len(threads)
            ]  # fmt: skip
            others = [each for each in handlers if each.cpu == handler.cpu and each.opens and each is not handler]
            if handler.opens and others:
                message = "only one handler of a CPU may be interrupted itself: one that nests, or enables interrupts"
                hint = "" if node.nests else "leave them as they were: let f = irq_save() … irq_restore(f)"
                self.unit.reporter.report("MM250", message, node.name.span, hint)
            entry, leave = (
                frozenset(
                    tag for piece in self.unit.realise(words.IMPLICIT[word], (), node.span) for tag in fence_tags(piece)
                )
                for word in ("irq_entry", "irq_return")
            )
            latch = self._addresses.get(f"{name} raised") if node.when_raised else None
            for run in range(handler.runs):
                for host in hosts:
                    both = [*threads, *out]
                    label = [str(run)] * (handler.runs > 1) + [both[host].name] * (len(hosts) > 1)
                    full = f"{name}[{','.join(label)}]" if label else name
                    origin = ir.Origin(node.span, f"interrupt {name}")
                    out.append(
                        ir.Thread(
                            full,
                            handler.body,
                            "interrupt",
                            True,
                            (),
                            handler.cpu,
                            origin,
                            host,
                            name,
                            run,
                            entry,
                            leave,
                            node.nests,
                            latch,
                        )
                    )
                    self.unit.alias[name] = self.unit.alias[f"{name}[{run}]"] = full
                if handler.runs > 1:
                    self.unit.registers[f"{name}[{run}]"] = self.unit.registers[name]
        return out

    def _meets(self, thread: ir.Thread, cpu: int) -> bool:
        """Whether `thread` may ever be on `cpu`."""
        if thread.kind != "thread" or thread.cpu is None:
            return False
        return thread.cpu == cpu or cpu in self.targets

    def privates(self, thread: ir.Thread, threads: list[ir.Thread], used: set[str]) -> Iterator[tuple[ir.Reg, int]]:
        """The hidden registers of `thread` that it uses, with their values."""
        host = thread
        while host.host is not None:
            host = threads[host.host]
        below = threads[thread.host] if thread.host is not None else thread
        if ir.MASKED[1:] in used:
            yield ir.Reg(ir.MASKED, 1), int(thread.host is not None and not thread.nests)
        for register in (CPU, HERE):
            if register.name[1:] in used:
                if thread.cpu is None:
                    message = f"'{thread.name}' uses memory of its CPU, and is on none"
                    raise problem(
                        "MM250",
                        message,
                        thread.origin.span,
                        f"say where it starts: {thread.kind} {thread.name} on cpu 0",
                    )
                yield register, thread.cpu if register is CPU else self._place(thread)
        if IDLE.name[1:] in used:
            yield IDLE, int(host.name in self.idle)
        if HOST.name[1:] in used:
            if thread.host is None:
                message = "'migrate' stands in an interrupt handler: it moves the thread that the handler interrupts"
                raise problem("MM251", message, thread.origin.span)
            yield HOST, self._place(host)
        for name, private in self.unit.layout.privates.items():
            if mirror(name).name[1:] in used:
                yield mirror(name), self._mirror(thread, name, private.init)
            if current(name).name[1:] in used:
                if thread.host is None:
                    raise problem(
                        "MM252",
                        "'current' is for interrupt handlers: the thread that is interrupted",
                        thread.origin.span,
                    )
                yield current(name), self._mirror(below, name, private.init)

    def _place(self, thread: ir.Thread) -> int:
        return self.cell(f"CPU of {thread.handler or thread.name}", 64, thread.cpu or 0, None)

    def _mirror(self, thread: ir.Thread, name: str, init: ir.Const) -> int:
        return self.cell(f"{name} of {thread.handler or thread.name}", init.width, init.value, None)


def opens(unit: Unit, body: ir.Block, node: ast.Agent) -> bool:
    """Whether a handler may be interrupted, since it is declared so or turns interrupts on; it turns on only what it
    turned off itself."""
    if node.nests:
        return True
    found = Switches(unit.functions.bodies)
    found.walk(body)
    for fence in found.wrong:
        message = f"'{node.name.text}' enables interrupts that it never disabled"
        hint = "interrupts are off while a handler runs; one that may be interrupted itself is declared: …, nests"
        unit.reporter.report("MM253", message, fence.origin.span or node.name.span, hint)
    return bool(found.enables)
