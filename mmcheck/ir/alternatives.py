"""Options of a `Choice` that differ in tags alone, as one event with literal-valued tags.

``fence(acquire)`` or ``fence(release)`` or nothing is one fence event that may be absent; a load of any order is one
read. So a site costs one event and not one for each option, and reads and writes keep one variable per source.
What is not of that shape (two different accesses) is unfolded option by option, see `mmcheck.engines.unfolding.unfold`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mmcheck.base.records import record, replace
from mmcheck.ir.program import NO_TAGS, OLD, TRUE, Block, Choice, Fence, Load, Origin, Reg, Rmw, Store, Tags

READ, WRITE, FAIL, FENCE = "%read", "%write", "%fail", "%fence"
"""Placeholders for the tags of a slot's events, one per role."""

Access = Load | Store | Rmw


@record
class Slot:
    """One statement for several options: `statement` carries a placeholder where `tags` has the tags of each option.

    `present` are the options that have it, None if all have. Of a store that some options make an exchange,
    `exchange` is that read-modify-write, and `present` the options that do. `origins` are those of options whose
    statement stands elsewhere in the text, or has other words.
    """

    statement: Fence | Load | Store | Rmw
    tags: Mapping[str, Mapping[str, Tags]]
    present: frozenset[str] | None = None
    exchange: Rmw | None = None
    origins: tuple[tuple[Origin, frozenset[str]], ...] = ()


def tags_of(tags: Mapping[str, Tags]) -> tuple[Tags, tuple[tuple[str, frozenset[str]], ...]]:
    """The tags that every option has, and for each of the others the options that have it."""
    common = frozenset.intersection(*tags.values()) if tags else NO_TAGS
    others = sorted(frozenset().union(*tags.values()) - common)
    return common, tuple([(tag, frozenset(name for name, own in tags.items() if tag in own)) for tag in others])


def origins_of(options: Mapping[str, Fence | Access]) -> tuple[tuple[Origin, frozenset[str]], ...]:
    """The origins that differ from the first option's, each with its options."""
    first = next(iter(options.values())).origin
    found: dict[Origin, set[str]] = {}
    for name, each in options.items():
        if each.origin is not first and each.origin != first:
            found.setdefault(each.origin, set()).add(name)
    return tuple([(origin, frozenset(names)) for origin, names in found.items()])


def align(choice: Choice) -> list[Slot] | None:
    """The options of `choice` as one list of statements; None if they are not of one shape."""
    before: dict[str, tuple[Fence, ...]] = {}
    behind: dict[str, tuple[Fence, ...]] = {}
    accesses: dict[str, Access] = {}
    for name, block in choice.options:
        parts = _parts(block)
        if parts is None:
            return None
        before[name], access, behind[name] = parts
        if access is not None:
            accesses[name] = access
    if not accesses:
        return _fences(before)
    if len(accesses) != len(choice.options):
        return None
    middle = _access(accesses)
    return None if middle is None else [*_fences(before), middle, *_fences(behind)]


def _parts(block: Block) -> tuple[tuple[Fence, ...], Access | None, tuple[Fence, ...]] | None:
    """Fences, at most one access, fences."""
    before: list[Fence] = []
    behind: list[Fence] = []
    access: Access | None = None
    for statement in block:
        if isinstance(statement, Fence):
            (before if access is None else behind).append(statement)
        elif isinstance(statement, Load | Store | Rmw) and access is None:
            access = statement
        else:
            return None
    return tuple(before), access, tuple(behind)


def _fences(options: Mapping[str, tuple[Fence, ...]]) -> list[Slot]:
    slots = []
    for position in range(max(map(len, options.values()), default=0)):
        here = {name: fences[position] for name, fences in options.items() if position < len(fences)}
        first = next(iter(here.values()))
        tags = {FENCE: {name: fence.tags for name, fence in here.items()}}
        present = frozenset(here) if len(here) < len(options) else None
        slots.append(Slot(replace(first, tags=frozenset({FENCE})), tags, present, origins=origins_of(here)))
    return slots


def _access(options: Mapping[str, Access]) -> Slot | None:
    slot = _shaped(options)
    return None if slot is None else replace(slot, origins=origins_of(options))


def _shaped(options: Mapping[str, Access]) -> Slot | None:
    kinds = {type(access) for access in options.values()}
    first = next(iter(options.values()))
    if kinds == {Load}:
        loads = {name: access for name, access in options.items() if isinstance(access, Load)}
        shape = {replace(load, tags=NO_TAGS, origin=first.origin) for load in loads.values()}
        tags = {READ: {name: load.tags for name, load in loads.items()}}
        return Slot(replace(shape.pop(), tags=frozenset({READ})), tags) if len(shape) == 1 else None
    if kinds == {Store}:
        stores = {name: access for name, access in options.items() if isinstance(access, Store)}
        return _store(stores)
    rmws = {name: access for name, access in options.items() if isinstance(access, Rmw)}
    if kinds == {Rmw}:
        return _rmw(rmws)
    stores = {name: access for name, access in options.items() if isinstance(access, Store)}
    if len(stores) + len(rmws) == len(options) and stores:
        return _exchange(stores, rmws)
    return None


def _store(stores: Mapping[str, Store]) -> Slot | None:
    shape = {(store.address, store.value) for store in stores.values()}
    first = next(iter(stores.values()))
    tags = {WRITE: {name: store.tags for name, store in stores.items()}}
    return Slot(replace(first, tags=frozenset({WRITE})), tags) if len(shape) == 1 else None


def _rmw(rmws: Mapping[str, Rmw]) -> Slot | None:
    """One read-modify-write; the read of one that fails is an event of its own if any option tells it apart."""
    first = next(iter(rmws.values()))
    empty = {"read_tags": NO_TAGS, "write_tags": NO_TAGS, "fail_tags": NO_TAGS, "origin": first.origin}
    shape = {replace(rmw, **empty) for rmw in rmws.values()}
    if len(shape) > 1:
        return None
    roles = {
        READ: {name: rmw.read_tags for name, rmw in rmws.items()},
        WRITE: {name: rmw.write_tags for name, rmw in rmws.items()},
    }
    fail = READ
    if first.when != TRUE and any(rmw.fail_tags != rmw.read_tags for rmw in rmws.values()):
        fail = FAIL
        roles[FAIL] = {name: rmw.fail_tags for name, rmw in rmws.items()}
    merged = replace(
        first,
        read_tags=frozenset({READ}),
        write_tags=frozenset({WRITE}),
        fail_tags=frozenset({fail}) if first.when != TRUE else NO_TAGS,
    )
    return Slot(merged, roles)


def _exchange(stores: Mapping[str, Store], rmws: Mapping[str, Rmw]) -> Slot | None:
    """A store that is an exchange (XCHG) in some options: the write is there in all, the read in those."""
    first, exchange = next(iter(stores.values())), next(iter(rmws.values()))
    shape = {(each.address, each.value) for each in stores.values()}
    shape |= {(each.address, each.new) for each in rmws.values()}
    unconditional = all(each.when == TRUE and not _uses_old(each) for each in rmws.values())
    if len(shape) > 1 or not unconditional:
        return None
    written = {name: store.tags for name, store in stores.items()}
    written |= {name: rmw.write_tags for name, rmw in rmws.items()}
    tags = {WRITE: written, READ: {name: rmw.read_tags for name, rmw in rmws.items()}}
    return Slot(replace(first, tags=frozenset({WRITE})), tags, frozenset(rmws), exchange)


def _uses_old(rmw: Rmw) -> bool:
    from mmcheck.ir.program import registers_of

    return any(reg == Reg(OLD, reg.width) for reg in registers_of(rmw.new))
