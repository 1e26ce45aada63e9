"""One run, judged again under other placements, without the solver.

A counterexample fixes which branches were taken, what each read returned and in which order writes took effect. A
placement changes which fences stand between and which tags the accesses have; path, values, rf and co stay. So the
model (and the compiler layer, `keep`) can say for any placement whether it still allows this very run: that is what
turns one refutation into the set of choices of which each would have broken it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from mmcheck.base.errors import InternalError
from mmcheck.engines.smt.circuit import FALSE
from mmcheck.engines.smt.compiler import keep_model
from mmcheck.engines.smt.decode import Decoder
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.engines.smt.linear import linear_orders
from mmcheck.events.building import Building
from mmcheck.events.execution import Execution
from mmcheck.events.graph import GEvent, Pairs
from mmcheck.events.relations import KIND_SETS, Rel, closure, from_pairs, is_acyclic, is_irreflexive, pairs, union
from mmcheck.events.terms import symbols_of, value_of
from mmcheck.ir.hosts import root_of
from mmcheck.model.concrete import Frame
from mmcheck.model.model import BESIDE, Model, with_turns
from mmcheck.model.recheck import with_order
from mmcheck.target.targets import next_to
from mmcheck.verdict.engine import Engine
from mmcheck.verdict.explain import cycle_of, explained
from mmcheck.verdict.reachability import Goal
from mmcheck.verdict.results import Counterexample, Layer

_DEPENDENCIES = ("addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl")

Placement = Mapping[str, str] | Mapping[str, frozenset[str]]
"""What stands at each site: an option, or the union of several, which does what each of them does."""


def _stands(placement: Placement, site: str) -> frozenset[str]:
    found = placement[site]
    return found if isinstance(found, frozenset) else frozenset({found})


@lru_cache(maxsize=4)
def _kept_by(profile: str) -> tuple[str, ...]:
    """The names of the sets on which it depends what a compiler keeps."""
    model, node = keep_model(profile)
    return tuple([each.name for each in model.pool.order([node]) if each.op == "set"])


class Replay:
    """The run that `decoder` reads, open in its choices."""

    def __init__(self, encoding: Encoding, decoder: Decoder, engine: Engine, goal: Goal) -> None:
        self.model: Model = engine.model
        self.engine = engine
        self.goal = goal
        self.graph = graph = encoding.graph
        symbols = decoder.symbols()
        for site, options in graph.choices.items():
            symbols.update({f"{site}={name}": 1 for name, _ in options})
        self.symbols = symbols
        memo: dict[int, int] = {}
        happening = [e for e in graph.events if not e.is_init and value_of(e.guard, symbols, memo)]
        self.addresses = {e.id: value_of(e.address, symbols, memo) for e in happening if e.address is not None}
        touched = set(self.addresses.values())
        first = [e for e in graph.events if e.cell is not None and e.cell.address in touched]
        for event in first:
            assert event.cell is not None
            self.addresses[event.id] = event.cell.address
        self.events: list[GEvent] = first + happening
        self.index = {event.id: i for i, event in enumerate(self.events)}
        self.values = {e.id: value_of(e.value, symbols, memo) for e in self.events if e.value is not None}
        self.n = len(self.events)
        self._read_memory(encoding, decoder)
        self._tables(memo)
        self._read_interrupts(encoding, decoder)
        self.final = dict(decoder.final(decoder.symbols(), {}, self.addresses))
        self._allowed: dict[tuple[tuple[str, frozenset[str]], ...], bool] = {}
        self._kept_orders: dict[tuple[object, ...], Rel] = {}
        self._memo: dict[object, Any] = {}

    # --- what stays --------------------------------------------------------------------------------

    def _read_memory(self, encoding: Encoding, decoder: Decoder) -> None:
        memory, index = encoding.memory, self.index
        order = {
            (a, b)
            for (a, b), literal in memory.order.items()
            if a in index and b in index and self.addresses[a] == self.addresses[b] and decoder.true(literal)
        }
        self.co = from_pairs(self.n, ((index[a], index[b]) for a, b in order))
        sources: dict[int, int] = {}
        partner = dict(self.graph.amo.keys())
        for read, found in memory.rf.items():
            if read not in index:
                continue
            if self.graph.events[read].present is not None:
                # The read of an exchange that not every option has: the write just before its own.
                before = [a for a, b in order if b == partner[read]]
                if not before:
                    continue  # it goes outside of every variable
                last = next(a for a in before if not any((a, other) in order for other in before))
                sources[read] = last
                self.values[read] = self.values[last]
            elif not decoder.true(encoding.astray.get(read, FALSE)):
                sources[read] = next(write for write, literal in found.items() if decoder.true(literal))
        self.rf = from_pairs(self.n, ((index[write], index[read]) for read, write in sources.items()))

    def _read_interrupts(self, encoding: Encoding, decoder: Decoder) -> None:
        """What runs of interrupt handlers and turns on one CPU add to the orders of the threads: they come where they
        came."""
        self.crossing: Rel = ()
        self.switch: Rel = ()
        if not self.graph.runs and not self.graph.turns:
            return
        partner = dict(self.graph.amo.keys())
        # The read of an exchange that the run did not have stands with its write; a fence, where its thread puts it.
        stands = {e.id: partner.get(e.id, e.id) if e.present is not None else e.id for e in self.events}
        happened = [e for e in self.events if e.thread >= 0 and decoder.true(encoding.happens[stands[e.id]])]
        found = [
            (self.index[a.id], self.index[b.id])
            for a in happened
            for b in happened
            if a.thread != b.thread and decoder.true(encoding.po.pair(stands[a.id], stands[b.id]))
        ]
        self.crossing = from_pairs(self.n, found)
        if encoding.switch is not None:
            apart = [
                (self.index[a.id], self.index[b.id])
                for a in happened
                for b in happened
                if decoder.true(encoding.switch.pair(stands[a.id], stands[b.id]))
            ]
            self.switch = from_pairs(self.n, apart)

    def _pairs(self, table: Pairs, memo: dict[int, int], symbols: Mapping[str, int] | None = None) -> Rel:
        index = self.index
        return from_pairs(
            self.n,
            (
                (index[i], index[j])
                for (i, j), cond in table.items()
                if i in index and j in index and value_of(cond, symbols or self.symbols, memo)
            ),
        )

    def _chosen(self, placement: Placement) -> dict[str, int]:
        """`symbols`, with the options that `placement` has."""
        chosen = dict(self.symbols)
        for site, options in self.graph.choices.items():
            stands = _stands(placement, site) if site in placement else frozenset(name for name, _ in options)
            chosen |= {f"{site}={name}": int(name in stands) for name, _ in options}
        return chosen

    def _emittable(self, placement: Placement, *, text: bool) -> bool:
        """Whether a compiler may leave out what it does in this run; in the order of the text nothing is."""
        if not self.left_out:
            return True
        chosen, memo = self._chosen(placement), dict[int, int]()
        return not text and all(value_of(removal.legal, chosen, memo) for removal in self.left_out)

    def _tables(self, memo: dict[int, int]) -> None:
        events, n, graph = self.events, self.n, self.graph
        threads: dict[int, list[int]] = {}
        places: dict[int, int] = {}
        for i, event in enumerate(events):
            if event.thread >= 0:
                threads.setdefault(event.thread, []).append(i)
            if event.id in self.addresses:
                places[self.addresses[event.id]] = places.get(self.addresses[event.id], 0) | 1 << i
        src = [0] * n
        for members in threads.values():
            for position, i in enumerate(members):
                for j in members[position + 1 :]:
                    if not (events[i].group and events[i].group == events[j].group):
                        src[i] |= 1 << j
        inside = [1 << i for i in range(n)]
        groups: dict[int, int] = {}
        keys = {}
        for i, event in enumerate(events):
            if event.thread >= 0:
                keys[i] = root_of(graph.program.threads, event.thread)
                groups[keys[i]] = groups.get(keys[i], 0) | 1 << i
        for i, key in keys.items():
            inside[i] = groups[key]
        everything = (1 << n) - 1
        self.static: dict[str, Rel] = {
            "src": tuple(src),
            "loc": tuple([places[self.addresses[e.id]] if e.id in self.addresses else 0 for e in events]),
            "int": tuple(inside),
            "ext": tuple([everything & ~row for row in inside]),
            "amo": self._pairs(graph.amo, memo),
            "lxsx": self._pairs(graph.lxsx, memo),
        }
        words = [(self.addresses.get(e.id), e.width) if "Plain" in e.possible else None for e in events]
        self.static[BESIDE] = from_pairs(n, next_to(graph.program.target, words))
        self.spaces = {cell.address: cell.space for cell in graph.program.cells}
        self.registers, self.static["dev"] = self._registers()
        self.kept = {name: self._pairs(graph.deps[name], memo) for name in _DEPENDENCIES}
        decided = {f"{site}={name}" for site, options in graph.choices.items() for name, _ in options}
        conditions = [cond for name in _DEPENDENCIES for cond in graph.deps[name].values()]
        self.varies = not decided.isdisjoint(symbols_of(conditions))
        """Whether dependencies differ from placement to placement."""
        self.left_out = [removal for removal in graph.removals.values() if value_of(removal.gone, self.symbols, memo)]
        """What the compiler leaves out of the run."""
        self.textual = {name: self._pairs(graph.deps[f"text-{name}"], memo) for name in _DEPENDENCIES}
        self.extra = from_pairs(
            n, ((self.index[a], self.index[b]) for a, b in self.goal.extra if a in self.index and b in self.index)
        )
        self.sets: dict[str, int] = {}
        self.source = 0
        for i, event in enumerate(events):
            names = [*KIND_SETS[event.kind], *event.tags, *(["IW"] if event.is_init else [])]
            names += ["REG"] if i in self.registers else []
            names += self._device_sets(event)
            for name in names:
                self.sets[name] = self.sets.get(name, 0) | 1 << i
            if event.thread >= 0 and graph.program.threads[event.thread].source:
                self.source |= 1 << i
        self.optional = [(i, event) for i, event in enumerate(events) if event.site]

    def _registers(self) -> tuple[dict[int, str], Rel]:
        """The accesses of CPUs to registers, with the device's name, and the relation of those of one device."""
        cells = {cell.address: cell.device for cell in self.graph.program.cells if cell.space == "mmio"}
        agents = self.graph.program.threads
        found = {
            i: cells[self.addresses[e.id]]
            for i, e in enumerate(self.events)
            if e.thread >= 0 and agents[e.thread].kind != "device" and self.addresses.get(e.id) in cells
        }
        return found, from_pairs(self.n, ((i, j) for i, a in found.items() for j, b in found.items() if a == b))

    def _device_sets(self, event: GEvent) -> list[str]:
        """``IO`` and ``IRQ``: what the platform's rules for devices are about."""
        threads = self.graph.program.threads
        if event.thread < 0 or threads[event.thread].kind == "device" or event.id not in self.addresses:
            return []
        return {"irq": ["IRQ"], "mmio": ["IO"], "dma": ["IO"]}.get(self.spaces.get(self.addresses[event.id], ""), [])

    @cached_property
    def sites(self) -> frozenset[str]:
        """The sites that this run passes: no other can break it."""
        return frozenset(event.site for _, event in self.optional)

    # --- under a placement -------------------------------------------------------------------------

    def allowed(self, placement: Placement) -> bool:
        """Whether the model, given what the compiler keeps, allows this run under `placement`."""
        key = tuple([(site, _stands(placement, site)) for site in sorted(self.sites)])
        known = self._allowed.get(key)
        if known is None:
            known = self._allowed[key] = self._judge(placement, text=False)
        return known

    def in_text_order(self, placement: Placement) -> bool:
        """Whether it is allowed even if the compiler keeps the order of the text, and every dependency."""
        return self._judge(placement, text=True)

    def emitted(self, placement: Placement) -> bool:
        """Whether it is allowed in some order that the compiler may emit."""
        if not self.allowed(placement):
            raise InternalError(f"the solver's run is not allowed\n{self.execution(placement)}")
        return not self.engine.layered or self.in_text_order(placement) or self.linear(placement) is not None

    def linear(self, placement: Placement) -> dict[int, list[int]] | None:
        """An order of each source thread that the compiler may emit, as event numbers of `execution`."""
        execution = self.execution(placement)
        number = self._numbers(placement)
        extra = frozenset((number[self.index[a]], number[self.index[b]]) for a, b in self.goal.extra)
        return linear_orders(execution, self.model, self.graph.program, extra)

    def _present(self, placement: Placement) -> int:
        mask = (1 << self.n) - 1
        for i, event in self.optional:
            if event.present is not None and event.present.isdisjoint(_stands(placement, event.site)):
                mask &= ~(1 << i)
        return mask

    def _sets(self, placement: Placement, mask: int) -> dict[str, int]:
        sets = {name: members & mask for name, members in self.sets.items()}
        for i, event in self.optional:
            if mask >> i & 1:
                chosen = _stands(placement, event.site)
                for tag, names in event.optional:
                    if not chosen.isdisjoint(names):
                        sets[tag] = sets.get(tag, 0) | 1 << i
        return sets

    def _orders(
        self, placement: Placement, mask: int, *, text: bool, platform: bool = True
    ) -> tuple[dict[str, Rel], dict[str, int]]:
        def cut(relation: Rel) -> Rel:
            return tuple([row & mask if mask >> i & 1 else 0 for i, row in enumerate(relation)])

        sets = self._sets(placement, mask)
        if not platform:
            sets["IO"] = 0
        static = {name: cut(rel) for name, rel in self.static.items()}
        deps = self.textual if text or not self.engine.layered else self.kept
        if self.varies and deps is self.kept:
            chosen, memo = self._chosen(placement), dict[int, int]()
            deps = {name: self._pairs(self.graph.deps[name], memo, chosen) for name in _DEPENDENCIES}
        static |= {name: cut(rel) for name, rel in deps.items()}
        static["po"] = static["src"]
        if self.engine.layered and not text:
            model, node = keep_model(self.engine.profile)
            rows = {**static, "src": tuple([row if self.source >> i & 1 else 0 for i, row in enumerate(static["src"])])}
            # What a compiler keeps depends on few of the tags: placements share it.
            depending = tuple(deps.values()) if self.varies else ()
            key = (mask, depending, *[sets.get(name, 0) for name in _kept_by(self.engine.profile)])
            cpo = self._kept_orders.get(key)
            if cpo is None:
                none = (0,) * self.n
                cpo = self._kept_orders[key] = Frame(model, self.n, sets, rows, memo=self._memo).relation(
                    node, none, none
                )
            static["po"] = tuple([cpo[i] if self.source >> i & 1 else row for i, row in enumerate(static["src"])])
        if self.crossing:
            static["po"] = closure(union(static["po"], cut(self.crossing)))
        if self.switch:
            static["switch"] = cut(self.switch)
        return static, sets

    def _judge(self, placement: Placement, *, text: bool, platform: bool = True) -> bool:
        if not self._emittable(placement, text=text):
            return False
        mask = self._present(placement)
        static, sets = self._orders(placement, mask, text=text, platform=platform)
        rf = tuple([row & mask for row in self.rf])
        if self.crossing and not is_irreflexive(static["po"]):
            return False  # an interrupt cannot come there: what is before it must be behind it
        model = with_turns(self.model) if self.switch else self.model
        frame = Frame(model, self.n, sets, static, memo=self._memo)
        values = frame.values(rf, self.co)
        for axiom in model.axioms:
            if axiom.flag:
                continue
            value = values[axiom.node.number]
            if isinstance(value, int):
                holds = value == 0
            elif axiom.kind == "acyclic":
                edges = value if model.is_coherence(axiom) else union(value, self.extra)
                holds = is_acyclic(edges)
            elif axiom.kind == "irreflexive":
                holds = is_irreflexive(value)
            else:
                holds = not any(value)
            if holds == axiom.negated:
                return False
        return True

    # --- as an execution ---------------------------------------------------------------------------

    def _numbers(self, placement: Placement) -> dict[int, int]:
        mask = self._present(placement)
        return {i: number for number, i in enumerate(i for i in range(self.n) if mask >> i & 1)}

    def execution(self, placement: Placement, *, text: bool = False) -> Execution:
        """The run under `placement`; `text` with program order as in the text."""
        mask = self._present(placement)
        static, _ = self._orders(placement, mask, text=text)
        number = self._numbers(placement)
        building = Building(self.graph.program)
        for i in number:
            event = self.events[i]
            chosen = _stands(placement, event.site) if event.site else frozenset()
            tags = event.tags | {tag for tag, names in event.optional if not chosen.isdisjoint(names)}
            address, value = self.addresses.get(event.id), self.values.get(event.id)
            building.add(event.thread, event.kind, tags, address, value, event.width, event.origin)
        relations = {
            name: frozenset((number[i], number[j]) for i, j in pairs(rel) if i in number and j in number)
            for name, rel in {**static, "rf": self.rf, "co": self.co}.items()
            if name not in ("loc", "int", "ext", "dev")
        }
        return building.execution(relations, self.final, platform=bool(self.sets.get("IO")))

    def as_counterexample(self, placement: Placement) -> tuple[Counterexample, Layer | None]:
        """The run as a report tells it, and the layer that lets it through."""
        by_text = not self.engine.layered or self.in_text_order(placement)
        layer: Layer | None = "hardware" if by_text else "compiler"
        if by_text and not self._judge(placement, text=True, platform=False):
            by_text = not (self.engine.layered and self._judge(placement, text=False, platform=False))
            layer = "platform" if by_text else "compiler"
        elif not by_text and not self._judge(placement, text=False, platform=False):
            layer = "platform"
        if self.model.is_sc and layer == "hardware":
            layer = None
        execution = self.execution(placement, text=by_text)
        if not by_text:
            orders = self.linear(placement)
            if orders is not None:
                execution = with_order(execution, orders, self.graph.program)
        number = self._numbers(placement)
        reads = [self.index[read] for read in sorted(self.goal.reads) if read in self.index]
        through = [number[read] for read in reads if read in number]
        cycle = cycle_of(execution, self.model, through)
        if not cycle and not self.goal.extra:
            layer = None if layer == "hardware" else layer
        return explained(execution, cycle, self.model, layer, self.goal.failed, through, self.goal.point), layer
