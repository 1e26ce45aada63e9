"""Inputs for every door of mmcheck, and what must be so whatever comes in.

A `Door` is a file that somebody else may have written and the command that reads it. Inputs are mutations of what
ships (`mutated`), and sentences made from the grammar or from its cells (`generated`).
"""

from __future__ import annotations

import contextlib
import io
import re
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import TypeAlias

from hostile_inputs import BAD, GOOD

from mmcheck.__main__ import main

ROOT = Path(__file__).parents[2]
SECONDS = 10
"""CPU time that one input may take."""
KILOBYTES = 1 << 20
"""Memory that one input may take."""
ODD = [
    "\0",
    "\t",
    "\r\n",
    "\u202e",
    "é",
    "\ufeff",
    "0x",
    "9" * 60,
    "-1",
    "//",
    "/*",
    "(*",
    '"',
    "::stop-commands::x",
    "\x1b[31m",
]
_PIECES = re.compile(r"\w+|\s+|.", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")


Rewrite: TypeAlias = Callable[[str, Random], str | None]
"""Another text with the meaning of a good one; None if there is no telling."""


@dataclass(frozen=True)
class Door:
    """`command` reads the file `name`; `seeds` are good contents of it."""

    name: str
    command: tuple[str, ...]
    seeds: tuple[str, ...]
    generate: Callable[[Random], str] | None = None
    rewrites: tuple[Rewrite, ...] = ()
    """Ways to write the same otherwise."""

    @property
    def place(self) -> re.Pattern[str]:
        """A place in the file, or in one that stays as it is; or the name of the file, if it is about all of it."""
        return re.compile(rf"{re.escape(self.name)}(?::\d+:\d+|\b)|\.litmus:\d+:\d+")


# --- mutations ---------------------------------------------------------------------------------------


def mutated(seeds: tuple[str, ...], random: Random) -> str:
    """One of `seeds` with a few words changed."""
    pieces = _PIECES.findall(random.choice(seeds))
    for _ in range(random.choice((1, 1, 2, 3, 5, 8))):
        if not pieces:
            break
        at, other = random.randrange(len(pieces)), random.randrange(len(pieces))
        low, high = min(at, other), min(max(at, other), min(at, other) + 30)
        match random.randrange(9):
            case 0:
                del pieces[at]
            case 1:
                del pieces[low:high]
            case 2:
                pieces[at:at] = pieces[low:high]
            case 3:
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case 4:
                pieces[at] = random.choice(_PIECES.findall(random.choice(seeds)) or [""])
            case 5:
                pieces.insert(at, random.choice(ODD))
            case 6:
                pieces[at] = str(random.choice((0, 1, 2, 3, 7, 64, 255, 1 << 31, 1 << 64)))
            case 7:
                pieces[at:at] = pieces[low : low + 8] * random.choice((2, 20))
            case 8:
                del pieces[max(at, 1) :]
    return "".join(pieces)


# --- sentences of grammars ---------------------------------------------------------------------------


class Grammar:
    """Sentences of the language of specifications, from the grammar that it is parsed by."""

    def __init__(self) -> None:
        from mmcheck.language.syntax.parse import build_parser

        built = build_parser((ROOT / "mmcheck/language/syntax/dsl.lark").read_text())
        self.rules: dict[str, list[list[str]]] = {}
        for rule in built.rules:
            self.rules.setdefault(rule.origin.name, []).append([symbol.name for symbol in rule.expansion])
        text = "\n".join(specs())
        words = sorted({*_PIECES.findall(text), *re.findall(r'"[^"\n]*"|[^\w\s"]{2}', text)})
        self.words: dict[str, list[str]] = {}
        for terminal in built.terminals:
            pattern = re.compile(terminal.pattern.to_regexp())
            fitting = [word for word in words if pattern.fullmatch(word)]
            self.words[terminal.name] = fitting or [terminal.pattern.value]
        self.words["_SEP"] = ["\n"]
        self.depth = dict.fromkeys(self.words, 0)
        while len(self.depth) < len(self.words) + len(self.rules):
            for name, ways in self.rules.items():
                least = [
                    max((self.depth[each] for each in way), default=0)
                    for way in ways
                    if all(e in self.depth for e in way)
                ]
                if least and name not in self.depth:
                    self.depth[name] = 1 + min(least)

    def sentence(self, random: Random, name: str = "start", depth: int = 40) -> str:
        if name in self.words:
            return random.choice(self.words[name])
        ways = [way for way in self.rules[name] if max((self.depth[each] for each in way), default=0) < depth]
        if not ways or depth < 12:
            ways = [min(self.rules[name], key=lambda way: max((self.depth[each] for each in way), default=0))]
        return " ".join([self.sentence(random, each, depth - 1) for each in random.choice(ways)])


@cache
def grammar() -> Grammar:
    return Grammar()


def spec(random: Random) -> str:
    """Some sentences behind a head that gives them something to be about."""
    return GOOD + "\n".join(grammar().sentence(random, "_item") for _ in range(random.randrange(1, 5)))


def cat(random: Random) -> str:
    def relation(depth: int) -> str:
        if depth == 0 or random.random() < 0.2:
            return random.choice(
                ["po", "rf", "co", "fr", "loc", "ext", "int", "rmw", "po-loc", "addr", "[W]", "id", "0", *names]
            )
        one, other = relation(depth - 1), relation(depth - 1)
        form = random.choice(
            ["({}|{})", "({};{})", "({}&{})", "({}\\{})", "({})^+", "({})^-1", "({})?", "~({})", "[domain({})]"]
        )
        return form.format(one, other)

    names: list[str] = []
    lines = ['"made"']
    for number in range(random.randrange(5)):
        lines.append(f"let {random.choice(('', '', 'rec '))}n{number} = {relation(3)}")
        names.append(f"n{number}")
    kinds = ("acyclic", "irreflexive", "empty", "~empty", "flag ~empty")
    return "\n".join(
        [*lines, *[f"{random.choice(kinds)} {relation(3)} as a{n}" for n in range(random.randrange(1, 4))]]
    )


def herd(random: Random) -> str:
    """Columns of the cells of other tests."""
    arch, cells = random.choice(herd_cells())
    width, height = random.randrange(1, 4), random.randrange(1, 5)
    rows = [" | ".join(random.choice(cells) for _ in range(width)) for _ in range(height)]
    head = " | ".join(f"P{number}" for number in range(width))
    start = " ".join(f"{n}:X1=x; {n}:X3=y;" for n in range(width)) if arch == "AArch64" else "x=0; y=0;"
    end = random.choice(["exists (x=1)", "forall (y=0)", "~exists (x=1 /\\ y=1)", "locations [x; y;] exists (x=2)"])
    filtered = random.choice(["", "", "filter (x=1)\n"])
    return f"{arch} made\n{{ {start} }}\n {head} ;\n" + "".join(f" {row} ;\n" for row in rows) + filtered + end + "\n"


@cache
def herd_cells() -> tuple[tuple[str, list[str]], ...]:
    found: dict[str, set[str]] = {}
    for text in herd_tests():
        table = text[text.index("}") + 1 :].partition("exists")[0]
        rows = table.split(";")[1:-1]
        found.setdefault(text.split()[0], set()).update(cell.strip() for row in rows for cell in row.split("|"))
    return tuple((arch, sorted(cells)) for arch, cells in sorted(found.items()))


# --- what ships --------------------------------------------------------------------------------------


def _texts(*patterns: str, most: int = 4_000) -> tuple[str, ...]:
    found = sorted({path for pattern in patterns for path in ROOT.glob(pattern)})
    return tuple(text for path in found if len(text := path.read_text(encoding="utf-8")) <= most)


@cache
def specs() -> tuple[str, ...]:
    without_includes = [
        text for text in _texts("specs/**/*.litmus", "tests/data/**/*.litmus") if text.startswith(("spec", "//"))
    ]
    return (GOOD, BAD, *[text for text in without_includes if "include" not in text])


@cache
def herd_tests() -> tuple[str, ...]:
    texts = _texts("litmus/**/*.litmus", "tests/data/herd/*.litmus")
    return tuple(text for text in texts if text.startswith(("AArch64", "X86")) and "\nexists" in text)


MARKDOWN = """# Title

<!-- mmcheck: good.litmus requirement=seen target=armv8 graph=no -->
<!-- mmcheck: end -->

Text, and `<!-- mmcheck: end -->` in it.
"""
SETTINGS = """targets = ["armv8", "x86-tso"]
bound = 2
timeout = 5
engine = "auto"
compiler = "observed"
format = "concise"
color = "never"
jobs = 1
cache = false
exclude = ["old/*"]
"""
COSTS = """await_rounds = 37
[armv8]
"dmb ish" = 45
[frequency]
publish = 3
"""
TABLE = "file\tobservation\tstates\nmp.litmus\tSometimes\t2\n"
MP = """AArch64 MP
{ 0:X1=x; 1:X1=x; }
 P0          | P1          ;
 MOV W0,#1   | LDR W0,[X1] ;
 STR W0,[X1] |             ;
exists (1:X0=1)
"""


def doors(folder: Path) -> dict[str, Door]:
    """All of them; `folder` is where commands run, and gets the files that stay as they are."""
    for name, text in {"good.litmus": GOOD, "bad.litmus": BAD, "mp.litmus": MP, "pyproject.toml": ""}.items():
        (folder / name).write_text(text, encoding="utf-8")
    said("verify", "bad.litmus", "--format", "json", "--output", "seed.json")
    said("verify", "bad.litmus", "--write-baseline", "seed.baseline")
    said("run", "bad.litmus", "--runs", "20", "--trace", "seed.trace")
    report, baseline, trace = ((folder / f"seed.{name}").read_text() for name in ("json", "baseline", "trace"))
    limits = ("--timeout", "1")
    shipped = [text for text in _texts("mmcheck/target/*.cat", most=20_000) if "include" not in text]
    longest = sorted(shipped, key=len, reverse=True)
    models = (*longest, *_texts("mmcheck/model/*.cat", "tests/data/models/*.cat", most=20_000))
    cheap = ("--format", "concise", *limits)
    of_specs = (commented("// nothing"), renamed, permuted)
    of_herd = (herd_commented, herd_renamed, herd_permuted)
    of_a_model = ("verify", "good.litmus", "--target", "a.cat+armv8", *cheap)
    against = ("verify", "bad.litmus", "--format", "concise", "--baseline", "a.json")
    return {
        "spec": Door("a.litmus", ("verify", "a.litmus", *cheap), specs(), spec, of_specs),
        "enumerate": Door(
            "a.litmus",
            ("verify", "a.litmus", "--engine", "enumerate", *cheap, "--timeout", "0.3"),
            specs(),
            spec,
            of_specs,
        ),
        "run": Door("a.litmus", ("run", "a.litmus", "--runs", "1"), specs(), spec),
        "place": Door("a.litmus", ("place", "a.litmus", *limits), specs(), spec),
        "herd": Door("a.litmus", ("litmus", "a.litmus", *limits), herd_tests(), herd, of_herd),
        "cat": Door("a.cat", of_a_model, models, cat, (cat_commented, cat_renamed)),
        "trace": Door("a.trace", ("trace", "a.trace"), (trace,)),
        "replay": Door("a.json", ("run", "bad.litmus", "--replay", "a.json"), (report, trace)),
        "settings": Door("mmcheck.toml", ("verify", "good.litmus"), (SETTINGS,), None, (commented("# nothing"),)),
        "costs": Door("a.toml", ("place", "good.litmus", "--costs", "a.toml", *limits), (COSTS,)),
        "baseline": Door("a.json", against, (baseline,)),
        "markdown": Door("a.md", ("render", "--embed", "a.md"), (MARKDOWN,)),
        "table": Door("a.tsv", ("litmus", "mp.litmus", "--expected", "a.tsv"), (TABLE,)),
    }


# --- judgement ---------------------------------------------------------------------------------------


class Hang(BaseException):
    """An input took too long; nothing of ours catches it."""


def said(*arguments: str) -> tuple[int, str]:
    """The exit code, and all that was printed, within `SECONDS` of CPU time."""

    def stop(*_: object) -> None:
        raise Hang

    out = io.StringIO()
    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main(list(arguments))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return code, out.getvalue()


def peak() -> int:
    """The most kilobytes of memory that the process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


_TIMED = re.compile(r"\d[\d.,]* (?:a second|s\b|CPU)")


def steady(text: str) -> str:
    """`text` without times."""
    return _TIMED.sub("", text)


@dataclass
class Verdicts:
    """What became of some inputs of one door."""

    door: Door
    folder: Path
    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    wrong: list[tuple[str, str]] = field(default_factory=list)
    """What was wrong, and the input."""

    def feed(self, text: str, *, again: bool = False, rewrite: Random | None = None) -> None:
        """Judge one input; `again`: twice, `rewrite`: and written otherwise by chance."""
        began, before = time.process_time(), peak()
        try:
            code, answer = self._answer(text)
        except Hang:
            self._blame("it takes more than 10 s", text)
            return
        except Exception as error:
            self._blame(f"{type(error).__name__} escapes", text)
            return
        if before < KILOBYTES < peak():
            self._blame("it takes more than a gigabyte", text)
        self.slowest = max(self.slowest, time.process_time() - began)
        self.counts[f"exit {code}"] += 1
        if code not in (0, 1, 2, 3):
            self._blame(f"exit code {code}", text)
        if "internal error" in answer or "Traceback" in answer or "MM900" in answer:
            found = re.search(r"internal error.*|MM900.*", answer)
            self._blame(found[0][:160] if found else "a traceback", text)
        elif code == 2 and self.door.place.search(answer) is None:
            self._blame(f"no place: {answer[:160]!r}", text)
        if (
            any(line.lstrip().startswith("::") for line in answer.splitlines())
            or "\x1b" in answer
            or "\u202e" in answer
        ):
            self._blame("a log or a terminal would obey it", text)
        with contextlib.suppress(Hang):
            if again and code != 3:
                other = self._answer(text)
                if other[0] != 3 and (other[0], steady(other[1])) != (code, steady(answer)):
                    self._blame("two answers", text)
            if rewrite is not None and self.door.rewrites and code in (0, 1):
                rewritten = rewrite.choice(self.door.rewrites)(text, rewrite)
                other = (code,) if rewritten is None else self._answer(rewritten)
                if other[0] not in (code, 3):
                    self._blame(f"exit code {other[0]} if written otherwise:\n{rewritten}\n", text)

    def _answer(self, text: str) -> tuple[int, str]:
        (self.folder / self.door.name).write_text(text, encoding="utf-8", errors="replace", newline="")
        return said(*self.door.command)

    def _blame(self, what: str, text: str) -> None:
        self.counts["wrong"] += 1
        self.wrong.append((what, text))


# --- the same, written otherwise ---------------------------------------------------------------------


def commented(comment: str) -> Rewrite:
    """With spaces at the ends of lines, and lines of `comment` between those that begin at the left."""

    def rewrite(text: str, random: Random) -> str | None:
        if "\r" in text or ('"' in text and "\\" in text):
            return None
        lines = text.split("\n")
        return "\n".join([f"{comment}\n{line}  " if _starts(line, random) else f"{line}  " for line in lines])

    return rewrite


def _starts(line: str, random: Random) -> bool:
    return random.random() < 0.2 and line == line.lstrip()


def renamed(text: str, random: Random) -> str | None:
    """What is declared has other names."""
    words = r"memory|private|mmio|thread|device|fn|const|requirement"
    found = re.findall(rf"^[ \t]*(?:{words}) ([\w, ]+)", text, re.MULTILINE)
    return _with_names(text, {name.strip() for each in found for name in each.split(",")}, random)


def _with_names(text: str, names: set[str], random: Random, word: re.Pattern[str] = _WORD) -> str:
    new = {name: f"{name}_{random.randrange(100)}" for name in names if f".{name}(" not in text}
    return word.sub(lambda match: new.get(match[0], match[0]), text)


def permuted(text: str, random: Random) -> str | None:
    """The declarations of a specification in another order, behind its head."""
    from mmcheck.base.source import SourceFile
    from mmcheck.language.syntax.ast import Spec, Targets
    from mmcheck.language.syntax.parse import parse_spec

    items = parse_spec(SourceFile("a.litmus", text)).items
    head = [each for each in items if isinstance(each, Spec | Targets)]
    rest = [each for each in items if each not in head]
    random.shuffle(rest)
    return "\n".join([text[each.span.start : each.span.end] for each in (*head, *rest)]) + "\n"


def herd_commented(text: str, random: Random) -> str | None:
    lines = text.split("\n")
    at = next((n for n, line in enumerate(lines) if line.startswith(("exists", "forall", "~exists"))), None)
    return None if at is None else "\n".join([*lines[:at], "(* nothing *)", *[f"{line} " for line in lines[at:]]])


def herd_renamed(text: str, random: Random) -> str | None:
    head, brace, rest = text.partition("{")
    return head + brace + _with_names(rest, {"x", "y", "z"}, random)


def herd_permuted(text: str, random: Random) -> str | None:
    """What is so at first, in another order."""
    head, _, rest = text.partition("{")
    initial, _, rest = rest.partition("}")
    given = [each for each in initial.split(";") if each.strip()]
    random.shuffle(given)
    return f"{head}{{{' '.join(f'{each};' for each in given)}}}{rest}"


def cat_commented(text: str, random: Random) -> str | None:
    return "\n".join([f"{line} (* nothing *)" if '"' not in line else line for line in text.split("\n")])


def cat_renamed(text: str, random: Random) -> str | None:
    """What is defined, and has not been spoken of before, has other names."""
    text = re.sub(r"\(\*.*?\*\)", "", text, flags=re.DOTALL)
    words = re.findall(r"[A-Za-z][\w-]*", text)
    opening = ("let", "rec", "and")
    fresh = {name for name in words if name not in opening and words[max(words.index(name) - 1, 0)] in opening}
    return _with_names(text, fresh, random, re.compile(r"[A-Za-z][\w-]*"))


def inputs(door: Door, random: Random) -> Iterator[str]:
    """Inputs for `door`, without end."""
    while True:
        if door.generate is not None and random.random() < 0.3:
            text = door.generate(random)
            yield text if random.random() < 0.5 else mutated((text,), random)
        else:
            yield mutated(door.seeds, random)
