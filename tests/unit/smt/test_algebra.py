"""Literals against bits: random expressions over random events, some of which may not happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mmcheck.engines.smt.bounds import Bounds
from mmcheck.engines.smt.circuit import FALSE, TRUE, Circuit
from mmcheck.engines.smt.relations import Algebra
from mmcheck.engines.smt.solve import Solver
from mmcheck.events.relations import Rel, from_pairs
from mmcheck.model.concrete import Frame
from mmcheck.model.expr import Node, Pool
from mmcheck.model.model import Axiom, Model

PHASES = [phase for phase in Phase if phase is not Phase.explain]
EXAMPLES = settings().max_examples
RELATIONS = ("po", "rf", "co", "addr")
SETS = ("R", "W", "X")


@dataclass
class World:
    """Events with guards, base relations and sets with undecided members, and one assignment of the variables."""

    circuit: Circuit
    n: int
    happens: list[int]
    implied_by: list[int]
    base: dict[str, Bounds]
    literals: dict[str, dict[tuple[int, int], int]]
    sets: dict[str, int]
    optional: dict[str, dict[int, int]]
    variables: list[int]

    def algebra(self, pool: Pool) -> Algebra:
        base = {name: Bounds(list(b.may), list(b.must), b.literal) for name, b in self.base.items()}
        model = Model("random", "", pool, (), {})
        return Algebra(model, self.circuit, self.happens, self.implied_by, base, self.sets, {}, self.optional)

    def value(self, literal: int, chosen: Mapping[int, bool]) -> bool:
        variable = abs(literal)
        if variable == TRUE:
            known = True
        else:
            operands = self.circuit.operands(variable)
            known = chosen[variable] if operands is None else all(self.value(each, chosen) for each in operands)
        return known == (literal > 0)

    def here(self, chosen: Mapping[int, bool]) -> list[int]:
        """The events that happen."""
        return [i for i in range(self.n) if self.value(self.happens[i], chosen)]

    def frame(self, pool: Pool, axioms: tuple[Axiom, ...], chosen: Mapping[int, bool]) -> tuple[Frame, Rel, Rel]:
        """The events that happen, renumbered, with rf and co."""
        here = self.here(chosen)
        number = {event: k for k, event in enumerate(here)}
        rows: dict[str, Rel] = {}
        for name, found in self.literals.items():
            held = [(i, j) for (i, j), lit in found.items() if i in number and j in number and self.value(lit, chosen)]
            rows[name] = from_pairs(len(here), [(number[i], number[j]) for i, j in held])
        sets = {}
        for name in SETS:
            more = [i for i, literal in self.optional.get(name, {}).items() if self.value(literal, chosen)]
            sets[name] = sum(1 << number[i] for i in here if self.sets.get(name, 0) >> i & 1 or i in more)
        static = {name: rows[name] for name in RELATIONS if name not in ("rf", "co")}
        frame = Frame(Model("random", "", pool, axioms, {}), len(here), sets, static)
        return frame, rows["rf"], rows["co"]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    circuit = Circuit()
    n = draw(st.integers(2, 5))
    guards = [circuit.var("g0"), circuit.var("g1")]
    variables = list(guards)
    choices: list[tuple[int, ...]] = [(), (), (), (guards[0],), (guards[1],), (-guards[0],), tuple(guards)]
    chosen = [draw(st.sampled_from(choices)) for _ in range(n)]
    happens = [circuit.all(guard) for guard in chosen]
    implied_by = [sum(1 << j for j in range(n) if set(chosen[i]) <= set(chosen[j])) for i in range(n)]
    base, literals = {}, {}
    forward = draw(st.booleans())
    for name in RELATIONS:
        may, must = [0] * n, [0] * n
        found: dict[tuple[int, int], int] = {}
        pairs = [(i, j) for i in range(n) for j in range(n) if not forward or i < j]
        for i, j in draw(st.lists(st.sampled_from(pairs), max_size=6, unique=True)):
            may[i] |= 1 << j
            if draw(st.booleans()):
                must[i] |= 1 << j
                found[i, j] = TRUE
            else:
                found[i, j] = circuit.var(f"{name}:{i}:{j}")
                variables.append(found[i, j])
        literals[name] = found
        base[name] = Bounds(may, must, lambda i, j, found=found: found[i, j])  # type: ignore[misc]
    sets = {name: draw(st.integers(0, (1 << n) - 1)) for name in SETS}
    optional: dict[str, dict[int, int]] = {"X": {}}
    for i in range(n):
        if not sets["X"] >> i & 1 and draw(st.booleans()):
            optional["X"][i] = circuit.var(f"X:{i}")
            variables.append(optional["X"][i])
    return World(circuit, n, happens, implied_by, base, literals, sets, optional, variables)


def set_nodes(pool: Pool, relations: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    leaf = st.one_of(st.sampled_from(SETS).map(pool.set), st.just(pool.all))
    return st.one_of(
        leaf,
        leaf,
        st.builds(pool.union, leaf, leaf),
        st.builds(pool.inter, leaf, leaf),
        st.builds(pool.diff, leaf, leaf),
        relations.map(pool.domain),
        relations.map(pool.range),
        st.builds(pool.inter, leaf, relations.map(pool.domain)),
        st.builds(pool.diff, leaf, relations.map(pool.range)),
    )


def relation_nodes(pool: Pool, *more: Node, positive: bool = False) -> st.SearchStrategy[Node]:
    leaf = st.one_of(st.sampled_from([*RELATIONS, *more]).map(lambda x: x if isinstance(x, Node) else pool.rel(x)))

    def extend(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        sets = set_nodes(pool, leaf if positive else inner)
        right = st.sampled_from(RELATIONS).map(pool.rel) if positive else inner
        return st.one_of(
            st.builds(pool.union, inner, inner),
            st.builds(pool.inter, inner, inner),
            st.builds(pool.diff, inner, right),
            st.builds(pool.seq, inner, inner),
            st.builds(pool.seq, inner, inner, inner),
            inner.map(pool.plus),
            inner.map(lambda node: pool.union(node, pool.id)),
            inner.map(pool.inverse),
            sets.map(pool.ident) if not positive else st.sampled_from(SETS).map(lambda s: pool.ident(pool.set(s))),
            st.builds(pool.product, sets, sets) if not positive else inner,
        )

    return st.recursive(leaf, extend, max_leaves=6)


@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES)
@given(data=st.data(), world=worlds())
def test_a_relation_has_the_same_pairs(data: st.DataObject, world: World) -> None:
    pool = Pool()
    node = data.draw(relation_nodes(pool))
    bounds = world.algebra(pool).relation(node)
    for _ in range(3):
        chosen = {variable: data.draw(st.booleans()) for variable in world.variables}
        frame, rf, co = world.frame(pool, (), chosen)
        expected = frame.relation(node, rf, co)
        here = world.here(chosen)
        for a, i in enumerate(here):
            for b, j in enumerate(here):
                literal = TRUE if bounds.must[i] >> j & 1 else FALSE
                if bounds.may[i] & ~bounds.must[i] & 1 << j:
                    literal = bounds.lits[i, j]
                assert world.value(literal, chosen) == bool(expected[a] >> b & 1), (node, i, j, chosen)


def agree(data: st.DataObject, world: World, pool: Pool, axioms: tuple[Axiom, ...]) -> None:
    """The clauses of `axioms` can hold with an assignment just if the axioms hold of its events."""
    world.algebra(pool).require(axioms)
    solver = Solver(world.circuit)
    for _ in range(3):
        chosen = {variable: data.draw(st.booleans()) for variable in world.variables}
        frame, rf, co = world.frame(pool, axioms, chosen)
        assumed = [variable if value else -variable for variable, value in chosen.items()]
        assert solver.solve(assumed) == frame.allows(rf, co), (axioms, chosen)


@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES)
@given(data=st.data(), world=worlds())
def test_axioms_hold_of_the_same_events(data: st.DataObject, world: World) -> None:
    pool = Pool()
    axioms = []
    for number in range(data.draw(st.integers(1, 2))):
        kind = data.draw(st.sampled_from(["acyclic", "acyclic", "irreflexive", "empty", "empty-set"]))
        negated = kind != "acyclic" and data.draw(st.booleans())
        relations = relation_nodes(pool)
        node = data.draw(set_nodes(pool, relations) if kind == "empty-set" else relations)
        axioms.append(Axiom(f"a{number}", kind.removesuffix("-set"), node, negated))
    agree(data, world, pool, tuple(axioms))


@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES)
@given(data=st.data(), world=worlds())
def test_recursion_is_the_least_fixpoint(data: st.DataObject, world: World) -> None:
    """Where a variable occurs positively; two variables that use each other included."""
    pool = Pool()
    first, second = pool.rec("p"), pool.rec("q")
    first.body = data.draw(relation_nodes(pool, first, second, positive=True))
    second.body = data.draw(relation_nodes(pool, first, second, positive=True))
    node = data.draw(st.sampled_from([first, pool.union(first, pool.rel("po")), pool.seq(first, second)]))
    kind = data.draw(st.sampled_from(["acyclic", "irreflexive", "empty"]))
    agree(data, world, pool, (Axiom("a", kind, node),))
