"""Interrupt handlers: their code, and the runs that interrupt the agents on their CPUs (docs/models-preemption.md)."""

from __future__ import annotations

from collections.abc import Iterator

from mmcheck.base.records import record
from mmcheck.ir import program as ir
from mmcheck.ir.hosts import root_of
from mmcheck.language.lower import values
from mmcheck.language.lower.context import Context
from mmcheck.language.lower.cpu_words import fence_tags, raised
from mmcheck.language.lower.cpus import CPU, GHOST, HERE, HOST, IDLE, current, mirror
from mmcheck.language.lower.functions import Body
from mmcheck.language.lower.names import problem
from mmcheck.language.lower.switches import Switches
from mmcheck.language.syntax import ast
from mmcheck.target import words

MAX_RUNS = 16
"""Runs of one handler."""


@record
class Handler:
    """A declared handler with its code, before its runs are made."""

    node: ast.Agent
    cpu: int
    runs: int
    body: ir.Block
    opens: bool
    """Whether other handlers may interrupt it."""


class Handlers:
    """The handlers of one program; all are added before anything is asked about them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.found: list[Handler] = []
        self._idle: set[str] = set()
        """The agents that stand for a CPU which has nothing to do."""

    @property
    def most(self) -> int:
        """How many runs there are at least."""
        return sum(handler.runs for handler in self.found)

    def add(self, node: ast.Agent) -> None:
        """Lower the handler `node`."""
        context = self._context
        name = node.name.text
        if node.range is not None:
            raise problem("MM250", "a handler has no copies: 'at most' says how often it runs", node.range.span)
        if node.cpu is None:
            hint = f"interrupt {name} on cpu 0"
            raise problem("MM250", f"'{name}' is on no CPU: which thread does it interrupt?", node.name.span, hint)
        cpu = context.cpu(node.cpu)
        runs = context.number(node.at_most) if node.at_most is not None else 1
        if not 1 <= runs <= MAX_RUNS:
            assert node.at_most is not None
            raise problem("MM250", f"a handler runs 1 to {MAX_RUNS} times, not {runs}", node.at_most.span)
        code = Body(context, name)
        with code.frame.aside() as prologue:
            self._prologue(code, node, cpu)
        body = (*prologue, *code.block(node.body, scope=False))
        context.registers[name] = code.frame.declared
        self.found.append(Handler(node, cpu, runs, body, _opens(context, body, node)))

    def _prologue(self, code: Body, node: ast.Agent, cpu: int) -> None:
        """What must be so for a run to begin: it is raised, and the interrupted thread is on its CPU."""
        code.frame.origin = ir.Origin(node.span, f"interrupt {node.name.text}")
        if code.context.cpus.moves:
            dst = code.frame.temporary(64)
            code.emit(ir.Load(dst, HOST, GHOST, False, code.frame.origin))
            code.emit(ir.Given(values.make("eq", (dst, ir.Const(cpu, 64)), 1), code.frame.origin))
        if node.when_raised:
            pieces = code.context.realise(words.IMPLICIT["latch_take"], (), node.span)
            taken = code.accesses.take(raised(code.context, node.name.text), pieces, "raised")
            code.emit(ir.Given(taken.expr, code.frame.origin))

    def idlers(self, threads: list[ir.Thread]) -> Iterator[ir.Thread]:
        """What handlers interrupt on a CPU where no thread is yet, or is any more: nothing, which does not move."""
        for cpu in sorted({handler.cpu for handler in self.found}):
            here = [handler for handler in self.found if handler.cpu == cpu]
            starting = sum(each.kind == "thread" and each.cpu == cpu for each in threads)
            leaving = sum(handler.runs for handler in here if self._leaves(handler))
            runs = sum(handler.runs for handler in here)
            if leaving >= starting < runs and any(self._meets(each, cpu) for each in threads):
                name = f"idle CPU {cpu}"
                self._idle.add(name)
                yield ir.Thread(name, (), "thread", cpu=cpu, origin=ir.Origin(here[0].node.span, name))

    def _leaves(self, handler: Handler) -> bool:
        """Whether a run may take a thread to another CPU."""
        return any(
            isinstance(each, ir.Store) and each.address == HOST and each.value != ir.Const(handler.cpu, 64)
            for each in self._context.reachable(handler.body)
        )

    def runs(self, threads: list[ir.Thread]) -> list[ir.Thread]:
        """The runs of all handlers, each on each agent that it may interrupt; hosts stand before them."""
        out: list[ir.Thread] = []
        opening = {handler.node.name.text for handler in self.found if handler.opens}
        for handler in sorted(self.found, key=lambda each: not each.opens):
            node, name = handler.node, handler.node.name.text
            hosts = [number for number, each in enumerate(threads) if self._meets(each, handler.cpu)]
            if not hosts:
                hint = f"say which thread is there: thread … on cpu {handler.cpu}"
                message = f"no thread is on CPU {handler.cpu}, where '{name}' would interrupt it"
                self._context.reporter.report("MM250", message, node.name.span, hint)
                continue
            hosts += [
                len(threads) + number
                for number, each in enumerate(out)
                if each.handler in opening and each.cpu == handler.cpu and each.handler != name
                and each.host is not None and each.host < len(threads)
            ]  # fmt: skip
            others = [each for each in self.found if each.cpu == handler.cpu and each.opens and each is not handler]
            if handler.opens and others:
                message = "only one handler of a CPU may be interrupted itself: one that nests, or enables interrupts"
                hint = "" if node.nests else "leave them as they were: let f = irq_save() … irq_restore(f)"
                self._context.reporter.report("MM250", message, node.name.span, hint)
            entry, leave = (self._tags(word, node) for word in ("irq_entry", "irq_return"))
            latch = self._context.cpus.latch(name) if node.when_raised else None
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
                    self._context.alias[name] = self._context.alias[f"{name}[{run}]"] = full
                if handler.runs > 1:
                    self._context.registers[f"{name}[{run}]"] = self._context.registers[name]
        return out

    def _tags(self, word: str, node: ast.Agent) -> ir.Tags:
        pieces = self._context.realise(words.IMPLICIT[word], (), node.span)
        return frozenset(tag for piece in pieces for tag in fence_tags(piece))

    def _meets(self, thread: ir.Thread, cpu: int) -> bool:
        """Whether `thread` may ever be on `cpu`."""
        if thread.kind != "thread" or thread.cpu is None:
            return False
        return thread.cpu == cpu or cpu in self._context.cpus.targets

    def privates(self, thread: ir.Thread, threads: list[ir.Thread], used: set[str]) -> Iterator[tuple[ir.Reg, int]]:
        """The hidden registers of `thread` that it uses, with their values."""
        host = thread if thread.host is None else threads[root_of(threads, thread.host)]
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
            yield IDLE, int(host.name in self._idle)
        if HOST.name[1:] in used:
            if thread.host is None:
                message = "'migrate' stands in an interrupt handler: it moves the thread that the handler interrupts"
                raise problem("MM251", message, thread.origin.span)
            yield HOST, self._place(host)
        for name, private in self._context.layout.privates.items():
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
        return self._context.cpus.cell(f"CPU of {thread.handler or thread.name}", 64, thread.cpu or 0, None)

    def _mirror(self, thread: ir.Thread, name: str, init: ir.Const) -> int:
        return self._context.cpus.cell(f"{name} of {thread.handler or thread.name}", init.width, init.value, None)


def _opens(context: Context, body: ir.Block, node: ast.Agent) -> bool:
    """Whether a handler may be interrupted, since it is declared so or turns interrupts on; it turns on only what it
    turned off itself."""
    if node.nests:
        return True
    found = Switches(context.bodies)
    found.walk(body)
    for fence in found.wrong:
        message = f"'{node.name.text}' enables interrupts that it never disabled"
        hint = "interrupts are off while a handler runs; one that may be interrupted itself is declared: …, nests"
        context.reporter.report("MM253", message, fence.origin.span or node.name.span, hint)
    return bool(found.enables)
