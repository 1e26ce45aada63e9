"""Which numbers a compiler may choose instead of computing them (docs/compiler.md, "Dependencies that survive").

A number that has two values at most, whatever is read, is a truth value in disguise: ``(r & 1) * 3`` becomes a test and
a conditional instruction, and so does ``(r | r >> 1) & 1``. Not so a single bit that is moved: compilers mask, shift,
invert or add it. Whether a number is one of these is found by trying it at `SAMPLES`: a value that does not turn up
makes it a choice, which allows more and is the safe side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

MOST_VALUES = 2
"""Values that a number may have, and be a choice."""


def _mixed() -> Iterator[int]:
    number = 0x9E3779B97F4A7C15
    while True:
        number = number * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        yield number >> 32 | (number & 0xFFFFFFFF) << 32


SAMPLES = (0, 1, (1 << 64) - 1, *[number for number, _ in zip(_mixed(), range(28), strict=False)])
"""What reads return, of each as many bits as it has."""

FLIPPED = 6
"""Of so many samples each bit is turned, to see which ones matter."""


def sample(which: int, read: int) -> int:
    """What the read with the number `read` returns in one of ``len(SAMPLES)`` trials."""
    count = len(SAMPLES)
    return SAMPLES[(which * (read % (count - 1) + 1) + read) % count]


def is_moved_bit(values: Collection[int], width: int, bits: Collection[tuple[int, int]], *, rises: bool) -> bool:
    """Whether two `values` of `width` bits are a bit that is moved. `bits` are those that decide which it is,
    one of each read, with the widths of the reads; the number `rises` if it is not 0 where its bit is set. A sign is
    tested, where it is more than moved."""
    low, high = min(values), max(values)
    if rises and len(bits) == 1 and _is_power(high):
        return True
    difference = high - low
    apart = _is_power(difference) or _is_power((1 << width) - difference)
    return apart and all(bit < of - 1 for bit, of in bits)


def _is_power(number: int) -> bool:
    return number > 0 and not number & number - 1
