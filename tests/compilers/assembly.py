"""From what a compiler printed to one of herd's litmus tests: the function is ``P0``, the observers are ``P1``, ``P2``.

All memory is one array, ``mem``, so that any address that the function computes is base and offset. Symbols are
resolved here, instructions on pairs become two, and fences that a compiler spells in its own way get their names; all
else is left to mmcheck's reader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mmcheck.base.errors import InputError
from mmcheck.base.records import record
from mmcheck.base.source import SourceFile
from mmcheck.language.herd.read import LitmusTest, read_litmus
from tests.compilers.form import ARRAY, SIZE, WORDS, Case, Look, Observer, Place

OFFSETS = {**{name: 16 * number for number, name in enumerate(WORDS)}, ARRAY: 16 * len(WORDS)}
"""Of each symbol in ``mem``, in bytes; words stand apart, elements of the array side by side."""
COUNT = (OFFSETS[ARRAY] + 4 * SIZE) // 4


class Unread(Exception):
    """The translator or the reader does not know an instruction; the text is its name, or the reason."""


@record
class Arch:
    """`base` candidates: registers that the function may leave alone."""

    name: str
    herd: str
    target: str
    comment: str
    result: str
    candidates: tuple[str, ...]


AARCH64 = Arch("aarch64", "AArch64", "armv8", "//", "X0", tuple(f"X{n}" for n in range(28, 8, -1)))
X86_64 = Arch("x86-64", "X86_64", "x86-tso", "#", "rax", ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10"))
ARCHS = {arch.name: arch for arch in (AARCH64, X86_64)}

_LABEL = re.compile(r"(\.?[A-Za-z_][\w.$]*):")


def functions(text: str, arch: Arch) -> dict[str, tuple[str, ...]]:
    """The instructions and labels of each function of an assembly file."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    known = set(re.findall(r"^\s*\.type\s+(\w+),\s*[@%]function", text, re.MULTILINE))
    for raw in text.splitlines():
        line = re.split(re.escape(arch.comment), raw)[0].strip() if arch.comment in raw else raw.strip()
        label = _LABEL.fullmatch(line)
        if label is not None and label[1] in known:
            current = found.setdefault(label[1], [])
        elif label is not None and label[1].startswith(".Lfunc_end"):
            current = None
        elif line.startswith(".size"):
            current = None
        elif current is not None and line and (label is not None or not line.startswith(".")):
            current.append(" ".join(line.split()))
    done = {name: _trimmed(lines) for name, lines in found.items()}
    # rustc makes one of two functions that are the same.
    same = re.findall(r"^(\w+) = (\w+)$", text, re.MULTILINE)
    return done | {alias: done[name] for alias, name in same if name in done}


def _trimmed(lines: Sequence[str]) -> tuple[str, ...]:
    """Without labels that nobody jumps to."""
    used = set(re.findall(r"\.?[A-Za-z_][\w.$]*", " ".join(line for line in lines if not _LABEL.fullmatch(line))))
    return tuple(line for line in lines if not (m := _LABEL.fullmatch(line)) or m[1] in used)


def offset(symbol: str) -> int:
    """``a+4`` in bytes from the beginning of ``mem``."""
    match = re.fullmatch(r"(\w+)((?:[+-]\d+)*)", symbol)
    if match is None or match[1] not in OFFSETS:
        raise Unread(f"symbol {symbol}")
    return OFFSETS[match[1]] + sum(int(each) for each in re.findall(r"[+-]\d+", match[2]))


def located(place: Place) -> int:
    index = place.index or 0
    assert isinstance(index, int)
    return OFFSETS[place.name] + 4 * index


# --- AArch64 -----------------------------------------------------------------------------------------

_PAIR = re.compile(r"(ldp|stp|ldpsw) ([wx])(\w+), ([wx])(\w+), \[(\w+)(?:, #(-?\w+))?\]")


def _aarch64(line: str, base: str) -> list[str]:
    if "adrp " in line:
        register, symbol = re.fullmatch(r"adrp (\w+), (\S+)", line).groups()  # type: ignore[union-attr]
        offset(symbol)
        return [f"mov {register}, {base}"]
    if line == "clrex":
        return []  # the next exclusive store has a load of its own
    line = re.sub(r"#?:lo12:([\w+-]+)", lambda match: f"#{offset(match[1])}", line)
    pair = _PAIR.fullmatch(line)
    if pair is None:
        if re.match(r"(ldr|str|ldur|stur) x", line):
            raise Unread("access of 64 bits")
        return [line]
    word, kind, one, _, other, where, start = pair.groups()
    if kind != "w" or word == "ldpsw":
        raise Unread(f"{word} of 64 bits")
    halves = [f"{word[:2]}r {kind}{r}, [{where}, #{int(start or '0', 0) + 4 * n}]" for n, r in enumerate((one, other))]
    return halves[::-1] if word == "ldp" and one == where[1:] else halves


# --- x86-64 ------------------------------------------------------------------------------------------


_SYMBOL = r"([A-Za-z_]\w*(?:[+-]\d+)*)"


def _x86_64(line: str, base: str) -> list[str]:
    if re.match(r"lock (or|add)[lq] \$0, (-?\d+)?\(%rsp\)", line):
        return ["mfence"]
    if re.fullmatch(r"(push|pop)q? %(rbx|rbp|r1[2-5]|rax|rcx)", line):
        return []  # what the caller wants back
    second = re.fullmatch(r"(or|xor)b \$(\d+), %([a-d])h", line)
    if second is not None:
        return [f"{second[1]}l ${int(second[2]) << 8}, %e{second[3]}x"]
    if "%xmm" in line:
        raise Unread("vectors")
    address = re.fullmatch(rf"mov[lq] \${_SYMBOL}, %(?:[er]([a-z]\w)|r(\d+)d?)", line)
    if address is not None:
        return [f"leaq {offset(address[1])}(%{base}), %r{address[2] or address[3]}"]

    def at_base(match: re.Match[str]) -> str:
        symbol, inside = match[1], match[2].split(",")
        if inside == ["%rip"]:
            return f"{offset(symbol)}(%{base})"
        index = inside[1:] if not inside[0] else inside
        if len(index) > 2 or (inside[0] and len(inside) > 1):
            raise Unread("a symbol, a base and an index")
        return f"{offset(symbol)}(%{base},{index[0]},{index[1] if len(index) > 1 else 1})"

    line = re.sub(rf"(?<![\w%$]){_SYMBOL}\(([^()]*)\)", at_base, line)
    return ["ret" if line == "retq" else line]


_TRANSLATE = {"aarch64": _aarch64, "x86-64": _x86_64}


def _used(lines: Sequence[str], arch: Arch) -> str:
    return " ".join(lines).lower()


def _base(lines: Sequence[str], arch: Arch) -> str:
    text = _used(lines, arch)
    for name in arch.candidates:
        number = name[1:].lower()
        forms = rf"\b[xw]{number}\b" if arch is AARCH64 else rf"%[re]?{number}[dwbl]?\b"
        if not re.search(forms, text):
            return name
    raise Unread("no register is free")


def _watch(observer: Observer, arch: Arch) -> list[str]:
    """The instructions of an observer; registers are numbered in their order."""
    numbers: dict[str, int] = {}
    out: list[str] = []
    for position, each in enumerate(observer):
        at = located(each.place)
        if position:
            out.append("DMB ISH" if arch is AARCH64 else "mfence")
        if isinstance(each, Look):
            numbers[each.register] = len(numbers)
            register = watched(numbers[each.register], arch, narrow=True)
            out.append(f"LDR {register},[X1,#{at}]" if arch is AARCH64 else f"movl {at}(%rdi),{register}")
        elif isinstance(each.value, str):
            register = watched(numbers[each.value], arch, narrow=True)
            out.append(f"STR {register},[X1,#{at}]" if arch is AARCH64 else f"movl {register},{at}(%rdi)")
        elif arch is AARCH64:
            out += [f"MOV W9,#{each.value}", f"STR W9,[X1,#{at}]"]
        else:
            out.append(f"movl ${each.value},{at}(%rdi)")
    return out


def watched(number: int, arch: Arch, *, narrow: bool = False) -> str:
    """The register of an observer's look."""
    if arch is AARCH64:
        return f"{'W' if narrow else 'X'}{10 + number}"
    return f"%r{10 + number}d" if narrow else f"r{10 + number}"


def litmus(case: Case, lines: Sequence[str], arch: Arch, question: str = "mem[0]=0") -> str:
    """The function `lines` with the observers of `case`. Raises `Unread`."""
    base = _base(lines, arch)
    own = [each for line in lines for each in _TRANSLATE[arch.name](line, base)]
    columns = [own, *[_watch(observer, arch) for observer in case.observers]]
    joined: list[list[str]] = []
    for column in columns:
        cells, label = [], ""
        for line in column:
            if line.endswith(":"):
                label += f"{line} "
            else:
                cells.append(label + line)
                label = ""
        joined.append([*cells, label.strip()] if label else cells)
    height = max(map(len, joined))
    pointer = "X1" if arch is AARCH64 else "rdi"
    init = [f"0:{base}=mem;", *[f"{n}:{pointer}=mem;" for n in range(1, len(columns))], f"int mem[{COUNT}];"]
    rows = [[column[n] if n < len(column) else "" for column in joined] for n in range(height)]
    widths = [max(len(row[n]) for row in [*rows, ["P0"] * len(joined)]) for n in range(len(joined))]
    heads = [f"P{n}" for n in range(len(joined))]
    table = [" " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " ;" for row in [heads, *rows]]
    return "\n".join([f"{arch.herd} {case.name}", "{", *init, "}", *table, f"exists ({question})", ""])


def read(text: str) -> LitmusTest:
    """The test `text`. Raises `Unread` for an instruction outside of the reader's set."""
    try:
        return read_litmus(SourceFile("compiled.litmus", text))
    except InputError as error:
        first = error.diagnostics[0]
        shown = first.span.text.strip().split("\n")[0] if first.span is not None else ""
        known = re.search(r"'([^']*)'", first.message)
        raise Unread(f"{first.code} {known[1].lower() if known and first.code == 'MM301' else shown[:40]}") from error
