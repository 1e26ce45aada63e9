"""A turning roulette wheel, and pictures as PNG and animated PNG, with nothing but zlib.

PNG: ISO/IEC 15948 (chunks of length, type, data and CRC; rows with a filter byte, deflated). The animation is APNG
(W3C PNG,
third edition: acTL, fcTL, fdAT).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache

POCKETS = 37
TURNS = 2 * math.pi / 48
"""How far the wheel turns from one frame to the next."""
BLACK, RED, GREEN, GOLD, FELT, WHITE, WOOD = (
    (28, 28, 32), (196, 32, 40), (24, 140, 72), (212, 172, 72), (12, 72, 44), (250, 250, 245), (96, 58, 30)
)  # fmt: skip


@lru_cache(maxsize=4)
def _geometry(size: int) -> list[list[tuple[float, float]]]:
    """Angle and distance from the middle, in units of half the side, for each pixel."""
    half = (size - 1) / 2
    return [
        [
            (math.atan2(y - half, x - half) % (2 * math.pi), math.hypot(x - half, y - half) / (size / 2))
            for x in range(size)
        ]
        for y in range(size)
    ]


def _colour(angle: float, distance: float, turn: float, ball: float) -> tuple[int, int, int]:
    if distance > 0.98:
        return FELT
    if distance > 0.9:
        return WOOD
    away = abs((angle - ball + math.pi) % (2 * math.pi) - math.pi)
    if 0.72 < distance < 0.86 and away * distance < 0.075:
        return WHITE
    if distance > 0.86 or 0.36 < distance < 0.4:
        return GOLD
    if distance >= 0.4:
        pocket = int((angle - turn) % (2 * math.pi) * POCKETS / (2 * math.pi))
        return GREEN if pocket == 0 else RED if pocket % 2 else BLACK
    if distance < 0.08:
        return GOLD
    spoke = (angle - turn) % (math.pi / 2)
    return GOLD if min(spoke, math.pi / 2 - spoke) * distance < 0.025 else WOOD


@lru_cache(maxsize=64)
def wheel(number: int, size: int) -> tuple[bytes, ...]:
    """Picture `number`: its rows, four bytes a pixel (blue, green, red, unused: B8G8R8X8). Picture 0 is black."""
    if number == 0:
        return (bytes(4 * size),) * size
    turn, ball = number * TURNS, -number * TURNS * 1.7 + 1
    rows = []
    for line in _geometry(size):
        row = bytearray()
        for angle, distance in line:
            red, green, blue = _colour(angle, distance, turn, ball)
            row += bytes((blue, green, red, 0))
        rows.append(bytes(row))
    return tuple(rows)


def rgb(screen: bytes, width: int) -> list[bytes]:
    """Rows of B8G8R8X8 as rows of red, green and blue."""
    rows = []
    for start in range(0, len(screen), 4 * width):
        row = screen[start : start + 4 * width]
        out = bytearray(3 * width)
        out[0::3], out[1::3], out[2::3] = row[2::4], row[1::4], row[0::4]
        rows.append(bytes(out))
    return rows


def enlarged(rows: Sequence[bytes], times: int) -> list[bytes]:
    """Each pixel `times` by `times` as large."""
    out = []
    for row in rows:
        wide = b"".join(row[i : i + 3] * times for i in range(0, len(row), 3))
        out += [wide] * times
    return out


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _deflated(rows: Sequence[bytes]) -> bytes:
    return zlib.compress(b"".join(b"\0" + row for row in rows), 6)


def png(rows: Sequence[bytes]) -> bytes:
    """A PNG of rows of RGB."""
    width, height = len(rows[0]) // 3, len(rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", _deflated(rows)) + _chunk(b"IEND", b"")


def apng(frames: Sequence[Sequence[bytes]], milliseconds: int = 60) -> bytes:
    """An animated PNG that repeats for ever."""
    width, height = len(frames[0][0]) // 3, len(frames[0])
    out = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    out += _chunk(b"acTL", struct.pack(">II", len(frames), 0))
    sequence = 0
    for number, rows in enumerate(frames):
        control = struct.pack(">IIIIIHHBB", sequence, width, height, 0, 0, milliseconds, 1000, 0, 0)
        out += _chunk(b"fcTL", control)
        sequence += 1
        data = _deflated(rows)
        if number == 0:
            out += _chunk(b"IDAT", data)
        else:
            out += _chunk(b"fdAT", struct.pack(">I", sequence) + data)
            sequence += 1
    return out + _chunk(b"IEND", b"")
