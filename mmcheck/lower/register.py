"""The register of ordering clauses: who must order what, and what breaks if nobody does.

Paraphrases are ours, and short; the clause itself is in the specification. Numbers are those of VirtIO 1.2, 1.3 and
1.4; obligations that no text states have the names of `mmcheck.lower.clauses.IMPLIED`. An event pattern reads
``W buf -> W idx``: these two stay in this order for every other agent; ``W(all)`` are all writes before.

Locations: buf, desc, ring (a slot of the available ring), idx, aflags, uevt (available ring), elem, uidx, uflags, aevt
(used ring), db (the doorbell), irq, isr, ready; packed ring: head and tail (descriptors), flags, event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from mmcheck.lower.clauses import IMPLIED, VIRTIO_1_2
from mmcheck.records import record

Side: TypeAlias = Literal["driver", "device", "both"]
Force: TypeAlias = Literal["MUST", "informative", "implied"]


@record
class Clause:
    """One clause, or one obligation that no clause states."""

    id: str
    side: Side
    force: Force
    paraphrase: str
    pattern: str
    breaks: str
    in_1_0: str = ""
    """Its number in 1.0, where it has one; packed rings are not in 1.0."""

    @property
    def title(self) -> str:
        return VIRTIO_1_2.get(self.id.partition(" ")[0]) or IMPLIED[self.id.removeprefix("implied:")]

    @property
    def in_1_1(self) -> str:
        """Its number in 1.1; nothing for an obligation without a clause."""
        return older(self.id)


def older(number: str) -> str:
    """What clause `number` of VirtIO 1.2 was called in 1.1, and nothing if it had no number there.

    >>> older("2.7.13.3.1")
    '2.6.13.3.1'
    >>> older("2.9")
    '2.7.23'
    """
    number, _, step = number.partition(" ")
    if number.startswith(("implied:", "2.6.1", "2.10")) or number == "2.4":
        return ""
    parts = number.split(".")
    if parts[:2] == ["2", "9"]:
        return ".".join(["2.7.23", *parts[2:]])
    if parts[0] == "2" and len(parts) > 1 and int(parts[1]) > 4:
        parts[1] = str(int(parts[1]) - 1)
    return " ".join([".".join(parts), *([step] if step else [])])


def _split() -> Iterator[Clause]:
    """The split ring."""
    yield Clause(
        "2.7.7",
        "both",
        "informative",
        "Asking for no interrupts is a hint that may be seen late: unwanted ones must be borne.",
        "none",
        "A driver that takes each interrupt for a completion reads an element that is not there.",
        "2.4.7",
    )
    yield Clause(
        "2.7.7.1",
        "driver",
        "MUST",
        "The interrupt flag is 0 or 1, and 0 where an event index is used; unwanted interrupts are tolerated.",
        "none",
        "Both ways of asking at once: the device may follow the one that was not meant.",
        "2.4.7.1",
    )
    yield Clause(
        "2.7.7.2",
        "device",
        "MUST",
        "With the used index out, the device looks whether the driver wants to hear of it, and interrupts if so.",
        "W uidx -> R aflags, R uevt",
        "Lost interrupt: the driver sleeps while a completion waits.",
        "2.4.7.2",
    )
    yield Clause(
        "2.7.8.2",
        "device",
        "MUST",
        "The element's length and the data are written before the used index says that they are there.",
        "W buf, W elem -> W uidx",
        "The driver takes an old length, or data that is not there yet.",
        "2.4.8.2",
    )
    yield Clause(
        "2.7.10",
        "both",
        "informative",
        "The device may ask not to be kicked, by a flag or by an event index.",
        "none",
        "Nothing; to be too late with it costs a kick.",
        "2.4.9",
    )
    yield Clause(
        "2.7.10.1",
        "driver",
        "MUST",
        "Whether to kick is decided by the flag or by the event index, as negotiated, once the index is out.",
        "W idx -> R uflags, R aevt",
        "Lost kick: the device sleeps while a request waits.",
        "2.4.9.1",
    )
    yield Clause(
        "2.7.10.2",
        "device",
        "MUST",
        "The device bears kicks that it did not ask for. That it looks again behind asking for them is implied.",
        "W uflags, W aevt -> R idx",
        "Lost kick: what came just before the device asked is never seen.",
        "2.4.9.2",
    )
    yield Clause(
        "2.7.13",
        "driver",
        "informative",
        "Seven steps: descriptors, ring slots, barrier, index, barrier, look, kick.",
        "W(all) -> W idx -> R uflags, R aevt",
        "See the steps.",
        "3.2.1",
    )
    yield Clause(
        "2.7.13 step 3",
        "driver",
        "informative",
        "The first two steps may be repeated: one barrier serves a batch.",
        "W desc, W ring (each of the batch) -> W idx",
        "A slot filled behind the barrier is published stale.",
        "3.2.1",
    )
    yield Clause(
        "2.7.13 step 4",
        "driver",
        "informative",
        "A barrier, so that descriptors and ring slots are there when the index is.",
        "W desc, W ring -> W idx",
        "The device takes an old head, or an old descriptor.",
        "3.2.1",
    )
    yield Clause(
        "2.7.13 step 6",
        "driver",
        "informative",
        "A barrier, so that the index is out before the look at what the device wants.",
        "W idx -> R uflags, R aevt",
        "Lost kick: the device sleeps while a request waits.",
        "3.2.1",
    )
    yield Clause(
        "2.7.13.3",
        "driver",
        "informative",
        "From the new index on the device may use the chains and all the memory they name.",
        "W buf -> W idx",
        "The device reads a half-written payload, such as a torn frame.",
        "3.2.1.3",
    )
    yield Clause(
        "2.7.13.3.1",
        "driver",
        "MUST",
        "There is a barrier ahead of the index that lets the device see all before it.",
        "W buf, W desc, W ring -> W idx",
        "The device reads an old slot, descriptor or payload.",
        "3.2.1.3.1",
    )
    yield Clause(
        "2.7.13.4",
        "driver",
        "informative",
        "The index is visible before the driver looks whether to kick.",
        "W idx -> R uflags, R aevt",
        "Lost kick: the device sleeps while a request waits.",
        "3.2.1.4",
    )
    yield Clause(
        "2.7.13.4.1",
        "driver",
        "MUST",
        "There is a barrier between the index and the look at the device's flag or event index.",
        "W idx -> R uflags, R aevt",
        "Lost kick: the device sleeps while a request waits.",
        "3.2.1.4.1",
    )
    yield Clause(
        "2.7.14",
        "driver",
        "informative",
        "Having asked for interrupts again, the driver looks once more, behind a full barrier. The printed listing"
        " compares the wrong way round, and has no barrier between the index and the element.",
        "W uevt, W aflags -> R uidx",
        "Lost interrupt: the driver sleeps while a completion waits.",
        "3.2.2",
    )


def _packed() -> Iterator[Clause]:
    """The packed ring."""
    yield Clause(
        "2.8.6",
        "driver",
        "informative",
        "A list's head becomes available last, so a device never meets half a list.",
        "W tail -> W head.flags",
        "The device walks into descriptors of the last lap.",
    )
    yield Clause(
        "2.8.9",
        "device",
        "informative",
        "Of a batch that the device gives back, the first descriptor is marked last.",
        "W flags (all others) -> W head.flags",
        "The driver takes buffers that are not given back yet.",
    )
    yield Clause(
        "2.8.14",
        "both",
        "informative",
        "The event structure has two halves, and no order between them is given.",
        "W event.off -> W event.flags; R event.flags -> R event.off, or one access",
        "A mixture is read. Full barriers on both sides make it harmless while the other side sleeps.",
    )
    yield Clause(
        "2.8.15",
        "device",
        "MUST",
        "The device leaves a descriptor alone before it is available and after it has been marked used.",
        "R flags -> R addr, R len, R id; W buf, W id, W len -> W flags",
        "The device uses an old address, or the driver reads an old answer.",
    )
    yield Clause(
        "2.8.16",
        "driver",
        "MUST",
        "The driver leaves a descriptor alone after making it available and until it is marked used.",
        "R flags -> R id, R len; W addr, W len, W id -> W flags",
        "The driver reads an old id, or changes what the device works on.",
    )
    yield Clause(
        "2.8.17",
        "driver",
        "MUST",
        "The first descriptor of a list becomes available after all the others.",
        "W tail -> W head.flags",
        "The device walks into descriptors of the last lap.",
    )
    yield Clause(
        "2.8.21",
        "driver",
        "informative",
        "Descriptors, barrier, look at the event structure, kick.",
        "W flags -> R event",
        "Lost kick: the device sleeps while a buffer waits.",
    )
    yield Clause(
        "2.8.21.1",
        "driver",
        "informative",
        "Address, length and id are written, and behind a barrier the flags.",
        "W addr, W len, W id -> W flags",
        "The device uses an old address or length.",
    )
    yield Clause(
        "2.8.21.1.1",
        "driver",
        "MUST",
        "There is a barrier ahead of the flags that lets the device see all before.",
        "W buf, W addr, W len, W id -> W flags",
        "The device reads an old descriptor or payload.",
    )
    yield Clause(
        "2.8.21.3",
        "driver",
        "informative",
        "The example has a write barrier ahead of the head's flags and a full one ahead of the event structure.",
        "W(all) -> W head.flags -> R event",
        "See 2.8.21.1.1 and 2.8.21.3.1.",
    )
    yield Clause(
        "2.8.21.3.1",
        "driver",
        "MUST",
        "There is a barrier between the flags and the look at the event structure.",
        "W flags -> R event",
        "Lost kick: the device sleeps while a buffer waits.",
    )
    yield Clause(
        "2.8.22",
        "driver",
        "informative",
        "A full barrier behind asking for interrupts, and a read barrier behind the used flags.",
        "W event -> R flags; R flags -> R id, R len",
        "Lost interrupt; or an old id is taken.",
    )


def _transport() -> Iterator[Clause]:
    """Doorbells, interrupts, and what the platform asks for."""
    yield Clause(
        "2.9",
        "driver",
        "informative",
        "The doorbell may carry the position; no text orders it behind the ring.",
        "W desc, W ring, W idx -> W db",
        "The device, told by the doorbell, finds nothing and sleeps again.",
    )
    yield Clause(
        "4.1.5.2",
        "driver",
        "informative",
        "PCI: the queue's number is written to its notification address.",
        "W idx -> W db",
        "The device, told by the doorbell, finds nothing and sleeps again.",
    )
    yield Clause(
        "4.1.5.3",
        "device",
        "informative",
        "PCI: the device interrupts when there are used buffers.",
        "W uidx -> W irq",
        "The handler finds nothing, and no second interrupt comes.",
    )
    yield Clause(
        "4.1.5.5",
        "driver",
        "informative",
        "PCI: reading the status clears it; then the queues are looked at.",
        "R isr -> R uidx",
        "A completion is acknowledged unseen.",
    )
    yield Clause(
        "4.2.3.2",
        "driver",
        "informative",
        "MMIO: the rings are cleared, then the queue is made ready.",
        "W ring, W idx, W uidx -> W ready",
        "The device begins with what was in that memory before.",
    )
    yield Clause(
        "4.2.3.3",
        "driver",
        "informative",
        "MMIO: the queue's number is written to the notification register.",
        "W idx -> W db",
        "The device, told by the doorbell, finds nothing and sleeps again.",
    )
    yield Clause(
        "4.2.3.4.1",
        "driver",
        "MUST",
        "MMIO: the driver reads why it was interrupted, and acknowledges it. Safe is: acknowledge, barrier, then look.",
        "W isr -> R uidx",
        "A completion is acknowledged unseen, and no second interrupt comes.",
    )
    yield Clause(
        "6",
        "both",
        "informative",
        "ORDER_PLATFORM: barriers as the platform asks of devices; without it, as between CPUs. ACCESS_PLATFORM:"
        " the device's view of memory is translated or not coherent.",
        "the class of each barrier, not its place",
        "Right between CPUs, and no order for a device in hardware.",
    )
    yield Clause(
        "6.1",
        "driver",
        "MUST",
        "With ORDER_PLATFORM negotiated the driver's barriers are those for hardware.",
        "the class of each barrier, not its place",
        "Right between CPUs, and no order for a device in hardware.",
    )
    yield Clause(
        "6.2",
        "device",
        "informative",
        "A device that needs such barriers may refuse a driver without them.",
        "none",
        "The driver finds out when FEATURES_OK does not stay set.",
    )


STATED = frozenset({"P1", "P2", "P5", "D2", "D3"})
"""The short names of obligations that some clause states, too."""


def _implied() -> Iterator[Clause]:
    """The obligations by their short names."""
    kick, interrupt = "Lost kick: the device sleeps while a request waits.", "Lost interrupt: the driver sleeps."
    rows: tuple[tuple[str, Side, str, str, str], ...] = (
        (
            "P1",
            "driver",
            "W buf, W desc, W ring -> W idx",
            "The device reads an old slot, descriptor or payload.",
            "2.7.13.3.1",
        ),
        ("P2", "driver", "W idx -> R uflags, R aevt", kick, "2.7.13.4.1"),
        ("P3", "driver", "W idx -> W db", "The device, told by the doorbell, finds nothing and sleeps again.", ""),
        ("P4", "driver", "R uidx -> R elem -> R buf", "The driver takes an old id, length or answer.", ""),
        ("P5", "driver", "W uevt, W aflags -> R uidx", interrupt, "2.7.14"),
        ("P6", "driver", "R elem, R buf -> W idx", "The driver reads the answer to the next request.", ""),
        ("P7", "driver", "R uidx -> W buf, W desc, W ring", "The device reads the next request, or half of it.", ""),
        (
            "D1",
            "device",
            "R idx -> R ring -> R desc -> R buf",
            "The device takes an old head, descriptor or payload.",
            "",
        ),
        ("D2", "device", "W buf, W elem -> W uidx", "The driver takes an old element or answer.", "2.7.8.2"),
        ("D3", "device", "W uidx -> R aflags, R uevt", interrupt, "2.7.7.2"),
        ("D4", "device", "W uflags, W aevt -> R idx", kick, "2.7.10.2"),
        ("D5", "device", "R desc, R buf -> W uidx", "The device reads what the driver wrote for the next request.", ""),
        ("D6", "device", "R db -> R idx", "The doorbell is taken, the request is not seen.", ""),
        ("D7", "device", "W uidx -> W irq", "The interrupt is taken, the completion is not seen.", ""),
        ("I1", "driver", "W isr -> R uidx", "A completion is acknowledged unseen.", "4.2.3.4.1"),
        (
            "I2",
            "driver",
            "W ring, W idx, W uidx -> W ready",
            "The device begins with what was in that memory before.",
            "4.2.3.2",
        ),
    )
    for name, side, pattern, breaks, near in rows:
        text = "No clause of VirtIO states this, but its rules cannot be kept without it."
        if name in STATED:
            text = f"Stated by {near}, and needed by every driver and device that has the pattern."
        elif near:
            text = f"{text} Nearest to it: {near}."
        yield Clause(f"implied:{name}", side, "implied", text, pattern, breaks)


REGISTER: Mapping[str, Clause] = MappingProxyType(
    {clause.id: clause for part in (_split, _packed, _transport, _implied) for clause in part()}
)
"""All of them by their ids."""


def steps(number: str) -> tuple[Clause, ...]:
    """The clause called `number`, and its steps if it has any."""
    return tuple([clause for key, clause in REGISTER.items() if key == number or key.startswith(f"{number} step ")])
