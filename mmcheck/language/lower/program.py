"""One specification on one target in one variant: from its declarations to its program."""

from __future__ import annotations

from mmcheck.base.records import replace
from mmcheck.ir import parts
from mmcheck.ir import program as ir
from mmcheck.ir.polling import awaited
from mmcheck.language.lower.choices import Chooser
from mmcheck.language.lower.constants import Constants
from mmcheck.language.lower.context import Context
from mmcheck.language.lower.functions import Body, lower_unused
from mmcheck.language.lower.handlers import Handlers
from mmcheck.language.lower.names import Declarations, Reporter, problem
from mmcheck.language.lower.requirements import Requirements
from mmcheck.language.lower.spaces import placed, with_devices
from mmcheck.language.lower.values import Literal
from mmcheck.language.syntax import ast
from mmcheck.target.targets import Target

MAX_AGENTS = 64


def lower_program(
    declarations: Declarations, target: Target, reporter: Reporter, chooser: Chooser | None = None
) -> ir.Program:
    """The program of `declarations` for `target`; worth something only if nothing was reported.

    Problems go to `reporter`. `chooser` has the sites that are left open.
    """
    context = Context(declarations, target, reporter, chooser, lambda node: constants.number(node))
    constants = Constants(context)
    for name, node in declarations.consts.items():
        with reporter.collect():
            constants.constant(name, node.name.span)
    layout = context.layout
    context.cpus.prepare(context.cpu, reporter)
    layout.place(context.types, constants.value, reporter, context.cpus.count)
    layout.fill(context.types, constants.value, reporter)
    threads: list[ir.Thread] = []
    handlers = Handlers(context)
    for agent in declarations.agents.values():
        known = reporter.reports
        with reporter.collect():
            if agent.kind == "interrupt":
                handlers.add(agent)
            else:
                threads += _agent(context, agent)
        if reporter.reports > known:
            context.troubled.add(agent.name.text)
        if len(threads) + handlers.most > MAX_AGENTS:
            reporter.report("MM227", f"a program has at most {MAX_AGENTS} agents", agent.name.span)
            break
    threads += [*handlers.idlers(threads)]
    threads += handlers.runs(threads)
    requirements = Requirements(context, tuple(threads))
    found = requirements.collect()
    mentioned = requirements.conditions.mentioned
    threads = [_with_privates(context, handlers, thread, threads, mentioned) for thread in threads]
    context.unrolled = 0
    lower_unused(context)
    context.widths.check(reporter)
    layout.cells = context.widths.merged(layout.cells, layout.variables.values())
    threads = with_devices(layout.cells, threads, context.reachable)
    cells = placed(layout.cells, threads, context.reachable, negotiated=context.order_platform())
    cells = (*cells, *context.cpus.cells)
    name, title = target.full_name, declarations.title
    return awaited(ir.Program(title, name, tuple(threads), cells, dict(context.bodies), found))


def _agent(context: Context, node: ast.Agent) -> list[ir.Thread]:
    if node.range is None:
        return [_thread(context, node, node.name.text, None)]
    first, last = context.number(node.range.start), context.number(node.range.end)
    if not 0 < last - first <= MAX_AGENTS:
        message = f"{last - first} agents: there are 1 to {MAX_AGENTS}"
        raise problem("MM227", message, node.range.span)
    return [_thread(context, node, f"{node.name.text}[{i}]", i) for i in range(first, last)]


def _thread(context: Context, node: ast.Agent, name: str, index: int | None) -> ir.Thread:
    code = Body(context, name)
    if index is not None and node.range is not None:
        code.check_name(node.range.name)
        code.frame.bind(node.range.name.text, Literal(index))
    cpu = context.cpu(node.cpu) if node.cpu is not None else None
    body = code.block(node.body, scope=False)
    context.registers[name] = code.frame.declared
    kind = "device" if node.kind == "device" else "thread"
    origin = ir.Origin(node.span, f"{node.kind} {name}")
    return ir.Thread(name, body, kind, node.kind == "thread", (), cpu, origin)


def _with_privates(
    context: Context,
    handlers: Handlers,
    thread: ir.Thread,
    threads: list[ir.Thread],
    mentioned: set[tuple[str, str]],
) -> ir.Thread:
    """`thread` with those of its own registers that it uses, or that a condition names."""
    alias = context.alias
    used = {name for owner, name in mentioned if alias.get(owner, owner) in (thread.name, alias.get(thread.handler))}
    for each in context.reachable(thread.body):
        names = parts.used_by(each) | {reg.name for reg in parts.set_by(each)}
        used |= {name.removeprefix("@") for name in names if name.startswith("@")}
    privates = tuple(
        (private.register, private.init.value) for name, private in context.layout.privates.items() if name in used
    )
    with context.reporter.collect():
        privates += tuple(handlers.privates(thread, threads, used))
    return replace(thread, privates=privates)
