"""The shipped models for programs with more than memory: registers, the platform's rules, interrupts that CPUs raise.

`armv8.cat` and `x86-tso.cat` are about memory. For a program that meets more this module adds, as expressions,

* registers: accesses of CPUs to the registers of one device are in order on Armv8 (Device-nGnRE), accesses to any
  registers with each other on x86 (uncached memory, Intel SDM 3A, 12.3);
* the platform's rules, on Armv8: ``bob`` becomes ``(bob \\ exempt) | bob'`` with ``exempt`` the pairs of an access in
  ``IO`` and another one, marks of interrupts apart, and ``bob'`` what is left of ``bob`` without the barriers that
  are for CPUs (`mmcheck.target.tags.FOR_CPUS`). Without members of ``IO`` that is ``bob``;
* interrupts that a CPU raises, on Armv8: the write to a system register (``SGI``) is no access of memory, so ``bob``
  has no pair with one. What is left to order it is DSB, ISB and dependencies (docs/models-preemption.md).

Other models are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from mmcheck.base.errors import InternalError
from mmcheck.base.records import replace
from mmcheck.events.execution import Execution
from mmcheck.ir.parts import walk as walk_statements
from mmcheck.ir.program import Program, Store
from mmcheck.model.expr import Node, Pool, walk
from mmcheck.model.model import BUILTIN, Model, load_model
from mmcheck.target.tags import FOR_CPUS


def model_for(name: str, program: Program) -> Model:
    """The model called `name`, as `load_model` finds it, for `program`. Raises `InputError`."""
    return _model(name, any(cell.space in ("mmio", "dma") for cell in program.cells) or _raises(program))


def model_of(name: str, execution: Execution) -> Model:
    """The same for a run."""
    return _model(name, any(event.space in ("mmio", "dma") or "SGI" in event.tags for event in execution.events))


def _model(name: str, meets: bool) -> Model:
    return with_devices(name) if meets and name in BUILTIN and name != "sc" else load_model(name)


def _raises(program: Program) -> bool:
    """Whether some CPU may raise an interrupt."""
    blocks = [thread.body for thread in program.threads if thread.kind != "device"]
    blocks += [function.body for function in program.functions.values()]
    statements = (statement for block in blocks for statement in walk_statements(block))
    return any(isinstance(each, Store) and "SGI" in each.tags for each in statements)


@lru_cache(maxsize=4)
def with_devices(name: str) -> Model:
    """The shipped model `name` with registers, the platform's rules and interrupts that CPUs raise."""
    model = load_model(name)
    pool = model.pool
    if name == "x86-tso":
        registers = pool.ident(pool.set("REG"))
        uncached = pool.seq(registers, pool.rel("po"), registers)
        return _with_axiom(model, "external", lambda node: pool.union(node, uncached))
    bob, lob = model.definitions["bob"], model.definitions["lob"]
    inner = lob.args[0]
    if bob.op != "union" or lob.op != "plus" or inner.op != "union" or not set(bob.args) <= set(inner.args):
        raise InternalError("armv8.cat has no 'lob = (... | bob)^+'")
    io, others = pool.set("IO"), pool.diff(pool.set("M"), pool.set("IRQ"))
    exempt = pool.union(pool.product(io, others), pool.product(others, io))
    barriers = rebuilt(pool, bob, {pool.set(tag): pool.none for tag in FOR_CPUS})
    iob = pool.inter(pool.rel("po"), pool.rel("dev"))
    memory, raised = pool.set("M"), pool.set("SGI")
    unordered = pool.union(pool.product(memory, raised), pool.product(raised, memory))
    added = pool.union(pool.diff(pool.union(pool.diff(bob, exempt), barriers), unordered), iob)

    def weakened(parts: tuple[Node, ...]) -> Node:
        return pool.union(*[part for part in parts if part not in bob.args], added)

    def external(node: Node) -> Node:
        # (lob | ...)^+ has the clauses of lob among its own: its closure is the axiom's.
        if not set(inner.args) <= set(node.args):
            raise InternalError("the axiom 'external' of armv8.cat is not about lob")
        return rebuilt(pool, weakened(node.args), {lob: pool.plus(weakened(inner.args))})

    return _with_axiom(model, "external", external)


def _with_axiom(model: Model, name: str, change: Callable[[Node], Node]) -> Model:
    axioms = [replace(a, node=change(a.node)) if a.name == name else a for a in model.axioms]
    if axioms == list(model.axioms):
        raise InternalError(f"{model.name} has no axiom '{name}' to change")
    return replace(model, axioms=tuple(axioms))


def rebuilt(pool: Pool, root: Node, known: dict[Node, Node]) -> Node:
    """`root` with the nodes in `known` replaced."""
    done = dict(known)
    make: dict[str, Callable[..., Node]] = {
        "ident": pool.ident, "product": pool.product, "union": pool.union, "s-union": pool.union, "inter": pool.inter,
        "s-inter": pool.inter, "diff": pool.diff, "s-diff": pool.diff, "seq": pool.seq, "plus": pool.plus,
        "inverse": pool.inverse, "domain": pool.domain, "range": pool.range,
    }  # fmt: skip
    for node in walk([root]):
        if node not in done:
            args = [done[arg] for arg in node.args]
            done[node] = make[node.op](*args) if node.args and args != list(node.args) else node
    return done[root]
