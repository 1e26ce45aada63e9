"""Loads, stores and read-modify-writes as events: the halves of a pair, and what fails."""

from __future__ import annotations

from mmcheck.engines.unfolding.events import Recorder
from mmcheck.engines.unfolding.state import State, Taint, Value, add, by_pick, resize
from mmcheck.engines.unfolding.values import assign
from mmcheck.events.graph import GEvent, Outcome
from mmcheck.events.terms import Term
from mmcheck.ir.program import OLD, TRUE, Expr, Load, Origin, Rmw, Store, StoreExclusive, Tags
from mmcheck.target.targets import architecture_of


class Accesses:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.terms = recorder.terms
        self.graph = recorder.graph
        self.cas_is_loose = architecture_of(recorder.program.target).cas_is_loose

    def store(self, statement: Store, state: State) -> None:
        value = self.recorder.value(statement.value, state)
        address = self.recorder.value(statement.address, state)
        self.write(state, state.guard, statement.tags, address, value, statement.origin)

    def load(self, statement: Load, state: State) -> None:
        terms = self.terms
        address = self.recorder.value(statement.address, state)
        event = self.recorder.event(
            "R", statement.tags, state, state.guard, statement.origin, address, None, statement.dst.width
        )
        assign(terms, state, statement.dst, Value(self.recorder.loaded(event), {(event.id, False): terms.true}))
        if statement.exclusive:
            state.monitor = ((event.id, self.terms.true),)
        if statement.whole:
            self.recorder.glued = event.id

    def write(
        self,
        state: State,
        guard: Term,
        tags: Tags,
        address: Value,
        value: Value,
        origin: Origin,
        decides: Value | None = None,
    ) -> GEvent:
        return self.recorder.event("W", tags, state, guard, origin, address, value, value.term.width, decides)

    def store_exclusive(self, statement: StoreExclusive, state: State) -> None:
        terms = self.terms
        address, value = self.recorder.value(statement.address, state), self.recorder.value(statement.value, state)
        paired = {load: terms.conj([held, self._same_address(load, address.term)]) for load, held in state.monitor}
        success = terms.conj([self.recorder.choose("exclusive"), terms.disj(paired.values())])
        written = terms.conj([state.guard, success])
        if written is not terms.false:
            event = self.write(state, written, statement.tags, address, value, statement.origin)
            for load, cond in paired.items():
                self.graph.lxsx[load, event.id] = cond
        status = terms.select(success, terms.number(0, statement.status.width), terms.number(1, statement.status.width))
        assign(terms, state, statement.status, Value(status, {}))
        state.monitor = ()

    def _same_address(self, load: int, address: Term) -> Term:
        other = self.graph.events[load].address
        assert other is not None
        return self.terms.op("eq", (other, address), 1)

    def rmw(self, statement: Rmw, state: State) -> None:
        terms, width = self.terms, statement.dst.width
        address = self.recorder.value(statement.address, state)
        always = statement.when == TRUE
        if always or statement.fail_tags == statement.read_tags:
            tags = statement.read_tags
            read = self.recorder.event("R", tags, state, state.guard, statement.origin, address, None, width)
            assert read.value is not None
            ok = self._rmw_write(statement, state, read, state.guard, address)
            old = Value(read.value, {(read.id, False): terms.true})
        else:
            success = self.recorder.choose("success")
            good = terms.conj([state.guard, success])
            bad = terms.conj([state.guard, terms.neg(success)])
            reads, tests = [], []
            for guard, tags, wanted in ((good, statement.read_tags, True), (bad, statement.fail_tags, False)):
                read = self.recorder.event("R", tags, state, guard, statement.origin, address, None, width)
                assert read.value is not None
                when = self._with_old(statement.when, state, read)
                outcome = when.term if wanted else terms.neg(when.term)
                self.graph.constraints.append(terms.disj([terms.neg(guard), outcome]))
                tests.append(when.term)
                reads.append(read)
                self._rmw_write(statement, state, read, guard, address)
            first, second = reads
            self.graph.outcomes[str(success.payload)] = Outcome(
                self.recorder.thread, state.guard, (first.id, second.id), tests[0], success
            )
            assert first.value is not None and second.value is not None
            taint = {(first.id, False): success, (second.id, False): terms.neg(success)}
            old = Value(terms.select(success, first.value, second.value), taint)
            ok = Value(success, dict(old.taint))
        if statement.exclusive:
            state.monitor = ()
        if statement.compare is not None and self.cas_is_loose:
            old = self._with_provenance(statement, state, old, ok)
        if statement.ok is not None:
            assign(terms, state, statement.ok, Value(resize(terms, ok.term, statement.ok.width), ok.taint))
        assign(terms, state, statement.dst, old)

    def _rmw_write(self, statement: Rmw, state: State, read: GEvent, guard: Term, address: Value) -> Value:
        """The write half (and the one that writes the old value back); returns whether `when` holds.

        The write depends on its own read: by data if it is computed from the old value, or is it, and by pick if the
        old value decides whether it is made.
        """
        terms = self.terms
        when = self._with_old(statement.when, state, read)
        new = self._with_old(statement.new, state, read)
        pairs = self.graph.lxsx if statement.exclusive else self.graph.amo
        written = terms.conj([guard, when.term])
        decides = Value(when.term, by_pick(terms, when.taint))
        if written is not terms.false:
            event = self.write(state, written, statement.write_tags, address, new, statement.origin, decides)
            pairs[read.id, event.id] = terms.true
        if statement.write_back:
            back = terms.conj([guard, terms.neg(when.term), self.recorder.choose("write-back")])
            if back is not terms.false:
                assert read.value is not None
                old = Value(read.value, {(read.id, False): terms.true})
                event = self.write(state, back, statement.write_tags - {"L"}, address, old, statement.origin, decides)
                pairs[read.id, event.id] = terms.true
        return when

    def _with_provenance(self, statement: Rmw, state: State, old: Value, ok: Value) -> Value:
        """CAS on Arm: on success the register may keep what it had, with only a pick dependency on the read
        (DDI 0487 M.a, B2.3); the values are equal, the dependencies are not."""
        assert statement.compare is not None
        terms = self.terms
        kept = terms.conj([ok.term, self.recorder.choose("kept")])
        taint: Taint = {}
        for key, cond in old.taint.items():
            add(terms, taint, {key: terms.conj([cond, terms.neg(kept)])})
        for key, cond in by_pick(terms, old.taint).items():
            add(terms, taint, {key: terms.conj([cond, kept])})
        for key, cond in self.recorder.value(statement.compare, state).taint.items():
            add(terms, taint, {key: terms.conj([cond, kept])})
        return Value(old.term, {key: cond for key, cond in taint.items() if cond is not terms.false})

    def _with_old(self, expr: Expr, state: State, read: GEvent) -> Value:
        assert read.value is not None
        state.registers[OLD] = Value(read.value, {(read.id, False): self.terms.true})
        result = self.recorder.value(expr, state)
        del state.registers[OLD]
        return result
