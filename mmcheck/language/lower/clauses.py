"""Clauses that requirements cite: their form, and the numbers that VirtIO has.

Titles are shortened and in our own words; numbers are those of VirtIO 1.2, the same in 1.3 and 1.4. In 1.1 the
chapters on rings are one lower, 2.6 and 2.7: `renumbered` translates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from mmcheck.base.records import record
from mmcheck.language.lower.names import near

VIRTIO_1_2: Mapping[str, str] = MappingProxyType(
    {
        "2.1": "device status field",
        "2.2": "feature bits",
        "2.3": "notifications",
        "2.4": "device reset",
        "2.5": "configuration space",
        "2.5.1": "configuration space: driver, with the loop over the generation",
        "2.6": "virtqueues",
        "2.6.1": "reset of one virtqueue",
        "2.7": "split virtqueues",
        "2.7.1": "split: driver, virtqueues",
        "2.7.2": "split: legacy layout",
        "2.7.3": "split: legacy endianness",
        "2.7.4": "split: message framing",
        "2.7.4.1": "split: message framing, device",
        "2.7.4.2": "split: message framing, driver",
        "2.7.4.3": "split: message framing, legacy",
        "2.7.5": "split: descriptor table",
        "2.7.5.1": "split: descriptor table, device",
        "2.7.5.2": "split: descriptor table, driver",
        "2.7.5.3": "split: indirect descriptors",
        "2.7.5.3.1": "split: indirect descriptors, driver",
        "2.7.5.3.2": "split: indirect descriptors, device",
        "2.7.6": "split: available ring",
        "2.7.6.1": "split: available ring, driver: idx never goes back",
        "2.7.7": "split: suppression of used-buffer notifications",
        "2.7.7.1": "split: suppression of used-buffer notifications, driver",
        "2.7.7.2": "split: suppression of used-buffer notifications, device",
        "2.7.8": "split: used ring",
        "2.7.8.1": "split: used ring, legacy",
        "2.7.8.2": "split: used ring, device: len and data before idx",
        "2.7.8.3": "split: used ring, driver",
        "2.7.9": "split: descriptors used in order",
        "2.7.10": "split: suppression of available-buffer notifications",
        "2.7.10.1": "split: suppression of available-buffer notifications, driver",
        "2.7.10.2": "split: suppression of available-buffer notifications, device",
        "2.7.11": "split: helpers",
        "2.7.12": "split: operation",
        "2.7.13": "split: supplying buffers to the device, seven steps",
        "2.7.13.1": "split: placing buffers into the descriptor table",
        "2.7.13.2": "split: updating the available ring",
        "2.7.13.3": "split: updating idx",
        "2.7.13.3.1": "split: updating idx, driver: a barrier before it",
        "2.7.13.4": "split: notifying the device",
        "2.7.13.4.1": "split: notifying the device, driver: a barrier before reading flags or avail_event",
        "2.7.14": "split: receiving used buffers",
        "2.8": "packed virtqueues",
        "2.8.1": "packed: wrap counters",
        "2.8.2": "packed: polling of available and used descriptors",
        "2.8.3": "packed: write flag",
        "2.8.4": "packed: element address and length",
        "2.8.5": "packed: scatter-gather",
        "2.8.6": "packed: next flag, lists become available as a whole",
        "2.8.7": "packed: indirect descriptors",
        "2.8.8": "packed: use in order",
        "2.8.9": "packed: several buffers in one batch",
        "2.8.10": "packed: event suppression",
        "2.8.10.1": "packed: event suppression, structure size and alignment",
        "2.8.11": "packed: driver, virtqueues",
        "2.8.12": "packed: device, virtqueues",
        "2.8.13": "packed: descriptor format",
        "2.8.14": "packed: event suppression format",
        "2.8.15": "packed: descriptor table, device",
        "2.8.16": "packed: descriptor table, driver",
        "2.8.17": "packed: scatter-gather, driver: first descriptor last",
        "2.8.18": "packed: scatter-gather, device",
        "2.8.19": "packed: indirect descriptors, driver",
        "2.8.20": "packed: operation",
        "2.8.21": "packed: supplying buffers to the device",
        "2.8.21.1": "packed: placing buffers into the ring",
        "2.8.21.1.1": "packed: updating flags, driver: a barrier before it",
        "2.8.21.2": "packed: sending available-buffer notifications",
        "2.8.21.3": "packed: example",
        "2.8.21.3.1": "packed: available-buffer notifications, driver: a barrier before reading the event structure",
        "2.8.22": "packed: receiving used buffers",
        "2.9": "driver notifications, NOTIFICATION_DATA",
        "2.10": "shared memory regions",
        "3.1.1": "initialisation, driver",
        "4.1.5.1": "PCI: initialisation",
        "4.1.5.1.3": "PCI: configuring a virtqueue",
        "4.1.5.2": "PCI: available-buffer notifications",
        "4.1.5.2.1": "PCI: available-buffer notifications, driver",
        "4.1.5.3": "PCI: used-buffer notifications",
        "4.1.5.3.1": "PCI: used-buffer notifications, device",
        "4.1.5.4": "PCI: notification of configuration changes",
        "4.1.5.4.1": "PCI: notification of configuration changes, device",
        "4.1.5.4.2": "PCI: notification of configuration changes, driver",
        "4.1.5.5": "PCI: handling interrupts, driver",
        "4.2.3.1": "MMIO: initialisation",
        "4.2.3.1.1": "MMIO: initialisation, driver",
        "4.2.3.2": "MMIO: configuring a virtqueue",
        "4.2.3.3": "MMIO: available-buffer notifications",
        "4.2.3.4": "MMIO: notifications from the device",
        "4.2.3.4.1": "MMIO: notifications from the device, driver: status, then acknowledge",
        "4.3.3.1.2": "channel I/O: adapter interrupts",
        "4.3.3.1.2.2": "channel I/O: adapter interrupts, driver: summary indicator first",
        "4.3.3.2": "channel I/O: guest to host",
        "5.6.6.2": "SCSI host: control queue",
        "5.7": "GPU device",
        "5.7.6.1": "GPU: creating a framebuffer and its scanout",
        "5.7.6.2": "GPU: updating a framebuffer and its scanout",
        "5.7.6.3": "GPU: page flip",
        "5.7.6.5": "GPU: operation, device: fences before return",
        "5.7.6.6": "GPU: cursor",
        "5.7.6.7": "GPU: request and response headers",
        "6": "reserved feature bits",
        "6.1": "reserved feature bits, driver: ORDER_PLATFORM needs barriers for hardware",
        "6.2": "reserved feature bits, device",
    }
)
"""Section numbers that a requirement may cite, with what they are about."""

PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "2.7.13": tuple([f"step {number}" for number in range(1, 8)]),
        "2.8.21": tuple([f"step {number}" for number in range(1, 4)]),
        "6": ("ORDER_PLATFORM", "ACCESS_PLATFORM"),
    }
)
"""Sections whose parts may be cited: ``VirtIO 1.2, 2.7.13 step 4``."""

IMPLIED: Mapping[str, str] = MappingProxyType(
    {
        "P1": "buffer, descriptor and ring slot before the available index",
        "P2": "available index before the look at the device's suppression fields",
        "P3": "available index before the doorbell",
        "P4": "used index before the element, the element before the buffer",
        "P5": "notifications on again before the second look at the used index",
        "P6": "last look at a slot before the index that gives it away again",
        "P7": "used index before the slot is written again",
        "D1": "available index before ring slot, descriptor and buffer",
        "D2": "buffer and element before the used index",
        "D3": "used index before the look at the driver's suppression fields",
        "D4": "kicks on again before the second look at the available index",
        "D5": "last look at a buffer before the used index",
        "D6": "the doorbell's mark before the available index",
        "D7": "used index before the interrupt",
        "I1": "interrupt acknowledged before the look at the used index",
        "I2": "rings cleared before the queue is enabled",
    }
)
"""Obligations that no text states, cited as ``implied:P4``; P are the driver's, D the device's."""

VERSIONS = ("1.2", "1.3", "1.4")
"""Versions that number the clauses alike."""

_FORM = re.compile(r"VirtIO (\d+\.\d+), (\d+(?:\.\d+)*)(?: (step \d{1,2}|[A-Z_]{1,40}))?")


@record
class BadClause:
    message: str
    help: str = ""


def title_of(clause: str) -> str:
    """What section or part `clause` of VirtIO 1.2 is about; nothing if it is not known.

    >>> title_of("2.7.13 step 4")
    'split: supplying buffers to the device, seven steps: step 4'
    """
    number, _, part = clause.partition(" ")
    title = VIRTIO_1_2.get(number, "")
    if not part:
        return title
    return f"{title}: {part}" if part in PARTS.get(number, ()) else ""


def renumbered(number: str) -> str | None:
    """What clause `number` of VirtIO 1.1 is called in 1.2; None if it has no counterpart here.

    >>> renumbered("2.6.13.3.1")
    '2.7.13.3.1'
    """
    parts = number.split(".")
    if parts[0] != "2" or len(parts) < 2:
        return number if number in VIRTIO_1_2 else None
    if parts[:3] == ["2", "7", "23"]:
        return "2.9"
    second = int(parts[1])
    new = ".".join(["2", str(second + 1 if second >= 4 else second), *parts[2:]])
    return new if new in VIRTIO_1_2 else None


def check_clause(text: str) -> BadClause | None:
    """What is wrong with the citation `text`; None if nothing is. Other documents are free text."""
    if text.startswith("implied:"):
        name = text.removeprefix("implied:").strip()
        if name in IMPLIED:
            return None
        listed = "P1 to P7, D1 to D7, I1 and I2"
        return BadClause(f"no obligation is called '{name}' — there are {listed}")
    if not text.lower().startswith("virtio"):
        return None
    match = _FORM.fullmatch(text)
    if match is None:
        return BadClause(f"'{text}' is no clause", 'a clause is cited as "VirtIO 1.2, 2.7.13.3.1"')
    version, number, part = match.groups()
    old = renumbered(number)
    if version == "1.1" and old is not None:
        new = f"{old} {part}" if part else old
        return BadClause("clauses are cited by their numbers in VirtIO 1.2", f"that is {new} in 1.2")
    if version not in VERSIONS:
        return BadClause(f"VirtIO {version} is not known here", f"cite one of {', '.join(VERSIONS)}")
    if number in VIRTIO_1_2:
        return None if part is None else _bad_part(number, part)
    message = f"VirtIO {version} has no clause {number} that is known here"
    if old is not None and number.startswith("2."):
        return BadClause(message, f"if that is its number in 1.1: it is {old} in 1.2")
    return BadClause(message + near(number, VIRTIO_1_2))


def _bad_part(number: str, part: str) -> BadClause | None:
    """What is wrong with citing `part` of the known section `number`; None if nothing is."""
    known = PARTS.get(number, ())
    if part in known:
        return None
    if not known:
        return BadClause(f"section {number} has no part that is known here", f'cite "VirtIO 1.2, {number}"')
    return BadClause(f"section {number} has no '{part}'{near(part, known)}", f"it has {', '.join(known)}")
