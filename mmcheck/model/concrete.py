"""A model on finished runs: sets and relations as bits, no solver.

A `Frame` holds one set of events with everything that does not depend on rf and co; `Frame.allows` then
decides one choice of rf and co. The part of the model free of rf and co is evaluated once per frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

from mmcheck.base.records import record
from mmcheck.events.execution import Event, Execution
from mmcheck.events.relations import (
    KIND_SETS,
    Rel,
    Set,
    closure,
    codomain,
    compose,
    difference,
    domain,
    find_cycle,
    from_pairs,
    identity,
    intersection,
    inverse,
    is_acyclic,
    is_irreflexive,
    members,
    product,
    union,
)
from mmcheck.ir.hosts import root_of
from mmcheck.model.expr import DYNAMIC_BASES, Node, Pool, walk
from mmcheck.model.model import Axiom, Model, with_turns
from mmcheck.model.operators import OPERATORS, column


@record
class Violation:
    """An axiom that an execution breaks; `cycle` are the events of a shortest witness."""

    axiom: Axiom
    cycle: tuple[int, ...]


class _Plan(NamedTuple):
    """What of a model is to be evaluated, without rf and co and with them, and what is empty anyhow."""

    static: tuple[Node, ...]
    dynamic: tuple[Node, ...]
    no_sets: tuple[int, ...]
    no_rels: tuple[int, ...]


MOST_PLANS = 1_000
"""Plans that are remembered of one model."""


def _plan(pool: Pool, axioms: Sequence[Axiom], present: frozenset[str]) -> _Plan:
    """The plan for `axioms` if of all base sets and relations but rf and co, just those in `present` are not empty."""
    plans: dict[object, _Plan] = pool.plans
    key = (present, *[axiom.node.number for axiom in axioms])
    known = plans.get(key)
    if known is not None:
        return known
    empty: set[int] = set()
    order = pool.order([axiom.node for axiom in axioms])
    for node in order:
        if is_empty(node, present, empty):
            empty.add(node.number)
    full = [node for node in order if node.number not in empty]
    if len(plans) >= MOST_PLANS:
        plans.clear()
    made = plans[key] = _Plan(
        tuple([node for node in full if not node.dynamic]),
        tuple([node for node in full if node.dynamic]),
        tuple([node.number for node in order if node.number in empty and node.is_set]),
        tuple([node.number for node in order if node.number in empty and not node.is_set]),
    )
    return made


def is_empty(node: Node, present: frozenset[str], empty: set[int]) -> bool:
    """Whether `node` is empty since its operands are."""
    match node.op:
        case "set":
            return f"set {node.name}" not in present
        case "rel":
            return node.name not in DYNAMIC_BASES and f"rel {node.name}" not in present
        case "none" | "empty":
            return True
        case "all" | "rec":
            return False
    return OPERATORS[node.op].empty([arg.number in empty for arg in node.args])


def asked_axioms(model: Model, coherent: bool) -> Sequence[Axiom]:
    """The axioms of `model`, without that of coherence if it holds anyhow."""
    return model.beyond_coherence if coherent else model.axioms


class Frame:
    """`n` events with their sets and the relations that are the same for every rf and co.

    `sets` maps names (``R``, ``W``, ``M``, ``F``, ``IW``, tags) to bit sets; a name that is missing is empty.
    `static` maps the base relations other than ``rf`` and ``co`` to bit rows. `coherent`: whoever asks `allows` has
    seen to it that ``po-loc | rf | co | fr`` is acyclic. Frames of equally many events that share a `memo` evaluate
    nothing twice: for those that differ in little.
    """

    memo: dict[object, Any] | None = None

    def __init__(
        self,
        model: Model,
        n: int,
        sets: Mapping[str, Set],
        static: Mapping[str, Rel],
        *,
        coherent: bool = False,
        memo: dict[object, Any] | None = None,
    ) -> None:
        self.model = model
        self.n = n
        self.sets = sets
        self.static = static
        self.memo = memo
        self.none: Rel = (0,) * n if memo is None else memo.setdefault(n, (0,) * n)
        self.axioms = asked_axioms(model, coherent)
        present = frozenset(
            [f"set {name}" for name, members in sets.items() if members]
            + [f"rel {name}" for name, rows in static.items() if any(rows)]
        )
        plan = _plan(model.pool, self.axioms, present)
        self._plan = plan.dynamic
        self._fixed: dict[int, Set | Rel] = {**dict.fromkeys(plan.no_sets, 0), **dict.fromkeys(plan.no_rels, self.none)}
        self._evaluate(plan.static, self._fixed)
        self._unions: dict[tuple[int, ...], Rel] = {}

    def fixed(self, numbers: tuple[int, ...]) -> Set | Rel:
        """The value of a node that does not depend on rf and co, or the union of several relations; by number."""
        if len(numbers) == 1:
            return self._fixed[numbers[0]]
        found = self._unions.get(numbers)
        if found is None:
            parts: list[Any] = [self._fixed[number] for number in numbers]
            found = self._unions[numbers] = _union(self.n, self.none, parts)
        return found

    def allows(self, rf: Rel, co: Rel) -> bool:
        """Whether the model allows these rf and co (co transitive)."""
        values = self.values(rf, co)
        return all(self._holds(axiom, values) for axiom in self.axioms if not axiom.flag)

    def values(self, rf: Rel, co: Rel) -> dict[int, Set | Rel]:
        """The value of every node of the model, by node number."""
        values = dict(self._fixed)
        for node in self._plan:
            if node.op == "rel":
                values[node.number] = rf if node.name == "rf" else co
            elif node.op == "rec":
                values[node.number] = self.none  # until its fixpoint
        self._evaluate(self._plan, values)
        return values

    def _evaluate(self, nodes: Sequence[Node], values: dict[int, Any]) -> None:
        """Give every one of `nodes` its value, operands first; the two commonest operators without detours."""
        if self.memo is not None:
            self._look_up(nodes, values, self.memo)
            return
        none = self.none
        for node in nodes:
            op = node.op
            if op == "seq":
                first, second = node.args
                left, right = values[first.number], values[second.number]
                value = none if left is none or right is none else compose(left, right)
                values[node.number] = value if any(value) else none
            elif op == "union":
                parts = [part for arg in node.args if (part := values[arg.number]) is not none]
                values[node.number] = parts[0] if len(parts) == 1 else union(*parts) if parts else none
            elif op == "rec":
                self._fixpoint(node, values)
            elif not (node.dynamic and op == "rel"):
                values[node.number] = self._value(node, values)

    def _look_up(self, nodes: Sequence[Node], values: dict[int, Any], memo: dict[object, Any]) -> None:
        """As `_evaluate`, with what frames that share `memo` have found."""
        for node in nodes:
            if node.op == "rec":
                self._fixpoint(node, values)
            elif not node.args:
                if not (node.dynamic and node.op == "rel"):
                    values[node.number] = self._value(node, values)
            else:
                key = (self.model.pool, node.number, *[values[arg.number] for arg in node.args])
                value = memo.get(key)
                if value is None:
                    value = memo[key] = self._value(node, values)
                values[node.number] = value

    def violations(self, rf: Rel, co: Rel) -> list[Violation]:
        """The axioms that fail, flags left out, each with a witness."""
        values = self.values(rf, co)
        out = []
        for axiom in self.axioms:
            if axiom.flag or self._holds(axiom, values):
                continue
            out.append(Violation(axiom, () if axiom.negated else self._witness(axiom, values)))
        return out

    def relation(self, node: Node, rf: Rel, co: Rel) -> Rel:
        """The value of a relation of this model that some axiom uses, or of any node without `rec`."""
        values = self.values(rf, co)
        missing = [inner for inner in self.model.pool.order([node]) if inner.number not in values]
        for inner in missing:
            if inner.dynamic and inner.op == "rel":
                values[inner.number] = rf if inner.name == "rf" else co
        self._evaluate(missing, values)
        value = values[node.number]
        assert isinstance(value, tuple)
        return value

    def _holds(self, axiom: Axiom, values: Mapping[int, Set | Rel]) -> bool:
        value = values[axiom.node.number]
        if isinstance(value, int):
            holds = value == 0
        elif axiom.kind == "acyclic":
            holds = is_acyclic(value)
        elif axiom.kind == "irreflexive":
            holds = is_irreflexive(value)
        else:
            holds = not any(value)
        return holds != axiom.negated

    def _witness(self, axiom: Axiom, values: Mapping[int, Set | Rel]) -> tuple[int, ...]:
        value = values[axiom.node.number]
        if isinstance(value, int):
            return ((value & -value).bit_length() - 1,)
        if axiom.kind == "acyclic":
            return tuple(find_cycle(value) or ())
        if axiom.kind == "irreflexive":
            return (next(i for i, row in enumerate(value) if row >> i & 1),)
        return next((i, (row & -row).bit_length() - 1) for i, row in enumerate(value) if row)

    def _fixpoint(self, node: Node, values: dict[int, Set | Rel]) -> None:
        """The least value of a recursion variable, mutual recursion included, by iteration from empty."""
        group = [inner for inner in walk([node]) if inner.dynamic]
        variables = [inner for inner in group if inner.op == "rec"]
        for variable in variables:
            values[variable.number] = self.none
        while True:
            for inner in group:
                if inner.op == "rel":
                    continue
                if inner.op != "rec":
                    values[inner.number] = self._value(inner, values)
            changed = False
            for variable in variables:
                assert variable.body is not None
                value = values[variable.body.number]
                if value != values[variable.number]:
                    values[variable.number] = value
                    changed = True
            if not changed:
                return

    def _value(self, node: Node, values: Mapping[int, Set | Rel]) -> Set | Rel:
        op = node.op
        if op == "set":
            return self.sets.get(node.name, 0)
        if op == "rel":
            stated = self.static.get(node.name, self.none)
            return stated if any(stated) else self.none
        if op == "all":
            return (1 << self.n) - 1
        if op == "none":
            return 0
        if op == "empty":
            return self.none
        value = VALUES[op](self.n, self.none, [values[arg.number] for arg in node.args])
        return value if isinstance(value, int) or any(value) else self.none  # empty ones are recognised by identity


# --- the operators on bits: of `n` events, with the empty relation, which is recognised by identity ----------


def _union(n: int, none: Rel, args: list[Any]) -> Rel:
    parts = [part for part in args if part is not none]
    return parts[0] if len(parts) == 1 else union(*parts) if parts else none


def _inter(n: int, none: Rel, args: list[Any]) -> Rel:
    return none if any(part is none for part in args) else reduce(intersection, args)


def _diff(n: int, none: Rel, args: list[Any]) -> Rel:
    first, second = args
    return first if first is none or second is none else difference(first, second)


def _seq(n: int, none: Rel, args: list[Any]) -> Rel:
    first, second = args
    return none if first is none or second is none else compose(first, second)


def _product(n: int, none: Rel, args: list[Any]) -> Rel:
    first, second = args
    return product(n, first, second) if first and second else none


VALUES: Mapping[str, Callable[[int, Rel, list[Any]], Set | Rel]] = column(
    {
        "ident": lambda n, none, args: identity(n, args[0]) if args[0] else none,
        "product": _product,
        "union": _union,
        "inter": _inter,
        "diff": _diff,
        "seq": _seq,
        "plus": lambda n, none, args: none if args[0] is none else closure(args[0]),
        "inverse": lambda n, none, args: none if args[0] is none else inverse(args[0]),
        "domain": lambda n, none, args: domain(args[0]),
        "range": lambda n, none, args: codomain(args[0]),
        "s-union": lambda n, none, args: reduce(or_, args),
        "s-inter": lambda n, none, args: reduce(and_, args),
        "s-diff": lambda n, none, args: args[0] & ~args[1],
    }
)


def event_sets(execution: Execution) -> dict[str, Set]:
    """The base sets of an execution as bits over event ids."""
    return members(_sets_of(execution, event) for event in execution.events)


def _sets_of(execution: Execution, event: Event) -> list[str]:
    names = [*KIND_SETS[event.kind], *event.tags]
    if event.is_init:
        names.append("IW")
    if event.space != "ram" and on_cpu(execution, event):
        names += {"mmio": ["REG"], "irq": ["IRQ"]}.get(event.space, [])
        names += ["IO"] if execution.platform and event.space != "irq" else []
    return names


def on_cpu(execution: Execution, event: Event) -> bool:
    """Whether a CPU runs `event`, so that the platform's rules bind it; a device is what they are about."""
    return event.thread >= 0 and execution.threads[event.thread].kind != "device"


def frame_of(model: Model, execution: Execution) -> Frame:
    """The frame of an execution: its base relations, with `loc`, `int`, `ext` and `dev` computed from the events."""
    n = len(execution.events)
    static = {name: from_pairs(n, pairs) for name, pairs in execution.relations.items() if name not in ("rf", "co")}
    places: dict[int, int] = {}
    processors: dict[object, int] = {}
    for event in execution.events:
        bit = 1 << event.id
        if event.kind in "RW" and event.address is not None:
            places[event.address] = places.get(event.address, 0) | bit
        place = _processor(execution, event)
        processors[place] = processors.get(place, 0) | bit
    static["loc"] = tuple(
        [places[e.address] if e.kind in "RW" and e.address is not None else 0 for e in execution.events]
    )
    static["int"] = tuple([processors[_processor(execution, event)] for event in execution.events])
    registers: dict[str, int] = {}
    mine = {e.id: e.device for e in execution.events if e.space == "mmio" and on_cpu(execution, e)}
    for number, device in mine.items():
        registers[device] = registers.get(device, 0) | 1 << number
    static["dev"] = tuple([registers[mine[i]] if i in mine else 0 for i in range(n)])
    everything = (1 << n) - 1
    static["ext"] = tuple([everything & ~row for row in static["int"]])
    return Frame(model, n, event_sets(execution), static)


def _processor(execution: Execution, event: Event) -> tuple[str, int]:
    """Whose CPU an event runs on: that of a thread, its handlers included. An initial write is on one of its own, and
    threads that share one are apart all the same: a full barrier stands between them."""
    if event.is_init:
        return "init", event.id
    return "thread", root_of(execution.threads, event.thread)


def check(model: Model, execution: Execution) -> list[Violation]:
    """What `model` has against `execution`; empty if it is allowed."""
    n = len(execution.events)
    frame = frame_of(with_turns(model) if execution.relation("switch") else model, execution)
    return frame.violations(from_pairs(n, execution.relation("rf")), from_pairs(n, execution.relation("co")))
