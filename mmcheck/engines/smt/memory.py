"""rf and co as literals.

Every relation literal is relative to its two events happening. Where the coherence order of a location is
known beforehand (one thread writes it, and the model is coherent), a read's source is encoded by its place in that
order: "from the k-th write or a later one"; rf, fr and coherence between reads are then one or two such
literals each, and their clauses grow with the square of the number of writes instead of its fourth power.
"""

from __future__ import annotations

from mmcheck.engines.smt.circuit import FALSE, TRUE, Circuit
from mmcheck.engines.smt.values import Values
from mmcheck.events.domains import Domains
from mmcheck.events.graph import EventGraph, GEvent


class Memory:
    """The choice of rf and co. `happens` and `values` are filled by the encoder."""

    def __init__(self, graph: EventGraph, domains: Domains, circuit: Circuit, values: Values, coherent: bool) -> None:
        self.graph = graph
        self.domains = domains
        self.circuit = circuit
        self.values = values
        self.coherent = coherent
        self.order: dict[tuple[int, int], int] = {}
        self.chains: dict[int, tuple[list[int], list[int]]] = {}
        """read -> (its writes in coherence order, literals "from this one or later")."""
        self.rf: dict[int, dict[int, int]] = {}
        self._fr: dict[tuple[int, int], int] = {}
        self._writers: dict[int, list[GEvent]] = {}
        self._position: dict[int, dict[int, int]] = {}
        self._perhaps: list[tuple[GEvent, GEvent]] = []
        """Writes of one thread that may or may not go to one address."""
        self.choose_order()
        self.choose_sources()

    # --- addresses ---------------------------------------------------------------------------------

    def at(self, event: GEvent, address: int) -> int:
        """That the event accesses `address`."""
        found = self.domains.addresses[event.id]
        if len(found) == 1:
            return TRUE if address in found else FALSE
        if address not in found:
            return FALSE
        assert event.address is not None
        return self.values.of(event.address).get(address, FALSE)

    def same(self, a: GEvent, b: GEvent) -> int:
        """That two accesses go to one address."""
        first, second = self.domains.addresses[a.id], self.domains.addresses[b.id]
        if len(first) == 1 and len(second) == 1:
            return TRUE if first == second else FALSE
        if a.address is b.address:
            return TRUE
        common = sorted(first & second)
        return self.circuit.any([self.circuit.all([self.at(a, one), self.at(b, one)]) for one in common])

    def aliases(self, a: GEvent, b: GEvent) -> bool:
        return not self.domains.addresses[a.id].isdisjoint(self.domains.addresses[b.id])

    # --- coherence order ---------------------------------------------------------------------------

    def choose_order(self) -> None:
        for address, writers in self.domains.writers.items():
            self._writers[address] = writers
            for i, a in enumerate(writers):
                for b in writers[i + 1 :]:
                    if (a.id, b.id) in self.order:
                        continue
                    literal = self.known_order(a, b)
                    if literal is None:
                        literal = self.circuit.var(f"co:{a.id}:{b.id}")
                    self.order[a.id, b.id] = literal
                    self.order[b.id, a.id] = -literal
        done: set[tuple[int, int, int]] = set()
        for writers in self.domains.writers.values():
            for i, a in enumerate(writers):
                for j in range(i + 1, len(writers)):
                    b = writers[j]
                    for c in writers[j + 1 :]:
                        key = tuple(sorted((a.id, b.id, c.id)))
                        x, y, z = self.order[a.id, b.id], self.order[b.id, c.id], self.order[c.id, a.id]
                        if abs(x) == abs(y) == abs(z) == TRUE or key in done:
                            continue
                        done.add(key)  # type: ignore[arg-type]
                        self.circuit.clause([-x, -y, -z])
                        self.circuit.clause([x, y, z])
            known = [all(abs(self.order[a.id, b.id]) == TRUE for b in writers if b is not a) for a in writers]
            if all(known):
                ordered = sorted(
                    writers, key=lambda w: sum(self.order[w.id, b.id] == FALSE for b in writers if b is not w)
                )
                if ordered:
                    address = next(iter(self.domains.addresses[ordered[0].id]))
                    if all(self.domains.addresses[w.id] == {address} for w in ordered):
                        self._position[address] = {w.id: k for k, w in enumerate(ordered)}

    def known_order(self, a: GEvent, b: GEvent) -> int | None:
        if a.is_init:
            return TRUE
        if b.is_init:
            return FALSE
        if self.coherent and a.thread == b.thread and not (a.group and a.group == b.group):
            # Writes that go to different addresses are in no order: through one, transitivity would order others.
            if a.address is b.address or len(self.domains.addresses[a.id] | self.domains.addresses[b.id]) == 1:
                return TRUE if a.id < b.id else FALSE
            self._perhaps.append((a, b) if a.id < b.id else (b, a))
        return None

    def co(self, a: GEvent, b: GEvent) -> int:
        """That write `a` is before write `b` in coherence order."""
        literal = self.order.get((a.id, b.id), FALSE)
        return FALSE if literal == FALSE else self.circuit.all([literal, self.same(a, b)])

    # --- sources -----------------------------------------------------------------------------------

    def choose_sources(self) -> None:
        for event in self.graph.events:
            if event.kind != "R":
                continue
            sources = self.domains.sources[event.id]
            found = self.domains.addresses[event.id]
            position = self._position.get(next(iter(found))) if len(found) == 1 else None
            if position is not None and len(sources) > 0:
                self.chain(event, sorted(sources, key=lambda w: position[w.id]))
            else:
                self.pick(event, sources)
            self.values.sources[event.id] = [(w, self.rf[event.id][w.id]) for w in sources]

    def chain(self, read: GEvent, ordered: list[GEvent]) -> None:
        from_or_later = [TRUE]
        for write in ordered[1:]:
            from_or_later.append(self.circuit.var(f"ge:{write.id}:{read.id}"))
        if len(ordered) > 1:
            self.circuit.ladder(from_or_later[1:])
        self.chains[read.id] = ([w.id for w in ordered], from_or_later)
        following = [*from_or_later[1:], FALSE]
        self.rf[read.id] = {
            write.id: self.circuit.all([here, -after])
            for write, here, after in zip(ordered, from_or_later, following, strict=True)
        }

    def pick(self, read: GEvent, sources: list[GEvent]) -> None:
        if not sources:  # it can only go outside every variable; `tie` deals with that
            self.rf[read.id] = {}
            return
        if len(sources) == 1:
            self.rf[read.id] = {sources[0].id: TRUE}
            return
        literals = [self.circuit.var(f"rf:{w.id}:{read.id}") for w in sources]
        self.circuit.clause(literals)
        for i, a in enumerate(literals):
            for b in literals[i + 1 :]:
                self.circuit.clause([-a, -b])
        self.rf[read.id] = {w.id: literal for w, literal in zip(sources, literals, strict=True)}

    def tie(self, happens: list[int], astray: dict[int, int]) -> None:
        """A read takes its value from a write that happens, at its own address (any, if it goes `astray`); and writes
        of one thread to one address are in its order."""
        for a, b in self._perhaps:
            self.circuit.clause([-self.same(a, b), self.order[a.id, b.id]])
        for read_id, sources in self.rf.items():
            read = self.graph.events[read_id]
            if not sources:
                self.circuit.clause([-happens[read_id], astray.get(read_id, FALSE)])
            for write_id, literal in sources.items():
                write = self.graph.events[write_id]
                unless = [-literal, -happens[read_id], astray.get(read_id, FALSE)]
                self.circuit.clause([*unless, happens[write_id]])
                self.circuit.clause([*unless, self.same(read, write)])

    def fr(self, read: GEvent, write: GEvent) -> int:
        """That `read` takes its value from a write that is coherence-before `write`."""
        known = self._fr.get((read.id, write.id))
        if known is None:
            known = self._fr[read.id, write.id] = self._from_read(read, write)
        return known

    def _from_read(self, read: GEvent, write: GEvent) -> int:
        same = self.same(read, write)
        if same == FALSE:
            return FALSE
        chain = self.chains.get(read.id)
        if chain is not None and len(self.domains.addresses[write.id]) == 1:
            ordered, from_or_later = chain
            position = self._position[next(iter(self.domains.addresses[write.id]))]
            place = position[write.id]
            for k, source in enumerate(ordered):
                if position[source] >= place:
                    return -from_or_later[k] if k else FALSE
            return TRUE
        parts = []
        for source_id, literal in self.rf[read.id].items():
            if source_id != write.id:
                order = self.order.get((source_id, write.id), FALSE)
                parts.append(self.circuit.all([literal, order]))
        return self.circuit.all([same, self.circuit.any(parts)])
