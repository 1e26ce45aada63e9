"""The register of ordering clauses: obligations by their short names, P the driver's, D the device's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from mmcheck.language.lower.register.entry import Clause, Side

KICK, INTERRUPT = "Lost kick: the device sleeps while a request waits.", "Lost interrupt: the driver sleeps."
NOTHING = "The device, told by the doorbell, finds nothing and sleeps again."
BEFORE = "The device begins with what was in that memory before."

STATED: Mapping[str, str] = MappingProxyType(
    {"P1": "2.7.13.3.1", "P2": "2.7.13.4.1", "P5": "2.7.14", "D2": "2.7.8.2", "D3": "2.7.7.2"}
)
"""Obligations that some clause states, too, and which."""

NEAR: Mapping[str, str] = MappingProxyType({"D4": "2.7.10.2", "I1": "4.2.3.4.1", "I2": "4.2.3.2"})
"""Obligations that no clause states, but one that stands near."""

ROWS: tuple[tuple[str, Side, str, str], ...] = (
    ("P1", "driver", "W buf, W desc, W ring -> W idx", "The device reads an old slot, descriptor or payload."),
    ("P2", "driver", "W idx -> R uflags, R aevt", KICK),
    ("P3", "driver", "W idx -> W db", NOTHING),
    ("P4", "driver", "R uidx -> R elem -> R buf", "The driver takes an old id, length or answer."),
    ("P5", "driver", "W uevt, W aflags -> R uidx", INTERRUPT),
    ("P6", "driver", "R elem, R buf -> W idx", "The driver reads the answer to the next request."),
    ("P7", "driver", "R uidx -> W buf, W desc, W ring", "The device reads the next request, or half of it."),
    ("D1", "device", "R idx -> R ring -> R desc -> R buf", "The device takes an old head, descriptor or payload."),
    ("D2", "device", "W buf, W elem -> W uidx", "The driver takes an old element or answer."),
    ("D3", "device", "W uidx -> R aflags, R uevt", INTERRUPT),
    ("D4", "device", "W uflags, W aevt -> R idx", KICK),
    ("D5", "device", "R desc, R buf -> W uidx", "The device reads what the driver wrote for the next request."),
    ("D6", "device", "R db -> R idx", "The doorbell is taken, the request is not seen."),
    ("D7", "device", "W uidx -> W irq", "The interrupt is taken, the completion is not seen."),
    ("I1", "driver", "W isr -> R uidx", "A completion is acknowledged unseen."),
    ("I2", "driver", "W ring, W idx, W uidx -> W ready", BEFORE),
)


def entries() -> Iterator[Clause]:
    """Every row as an entry."""
    for name, side, pattern, breaks in ROWS:
        text = "No clause of VirtIO states this, but its rules cannot be kept without it."
        if name in STATED:
            text = f"Stated by {STATED[name]}, and needed by every driver and device that has the pattern."
        elif name in NEAR:
            text = f"{text} Nearest to it: {NEAR[name]}."
        yield Clause(f"implied:{name}", side, "implied", text, pattern, breaks)
