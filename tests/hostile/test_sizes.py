"""What is too large is refused by name, with its place, within seconds, and whatever it costs to say so."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from collections.abc import Callable

import pytest
from hostile_inputs import Checkout

HEAD = 'spec "x"\ntargets armv8\nmemory y\nrequirement r { says "x" }\n'
READER = "thread t {\n let a = y.load(relaxed)\n assert a == 1%s for r\n}\n"


def threads(count: int) -> str:
    others = "".join(f"thread t{number} {{ y.store({number}, relaxed) }}\n" for number in range(count))
    return HEAD + others + READER % ""


def structs(count: int) -> str:
    inner = "".join(f"struct S{n} {{ a: S{n - 1}, b: S{n - 1} }}\n" for n in range(1, count))
    return HEAD + "struct S0 { a: u32, b: u32 }\n" + inner + f"memory m: S{count - 1}\n" + READER % ""


def herd(count: int) -> str:
    cells = (" | ".join(f"P{number}" for number in range(count)), " | ".join(["LDR W0,[X1]"] * count))
    initial = " ".join(f"{number}:X1=x;" for number in range(count))
    return f"AArch64 x\n{{ {initial} }}\n" + "".join(f" {row} ;\n" for row in cells) + "exists (0:X0=1)\n"


def trace(count: int, *, rf: bool) -> str:
    lines: list[dict[str, object]] = [{"mmcheck-trace": 1, "agents": ["a", "b"]}]
    for number in range(count):
        line: dict[str, object] = {"agent": "ab"[number % 2], "op": "RW"[number // 2 % 2], "location": "x", "value": 0}
        lines.append(line | {"rf": "init"} if rf and line["op"] == "R" else line)
    return "\n".join(map(json.dumps, [*lines, {"end": count}]))


LARGE: dict[str, tuple[str, str, Callable[[], str]]] = {
    "threads": ("verify", "at most 64 agents", lambda: threads(300)),
    "threads of herd": ("litmus", "at most 64 threads", lambda: herd(300)),
    "a sum": ("verify", "more than 40,000", lambda: HEAD + READER % (" + 1" * 49_000)),
    "a deep sum": ("verify", "deep", lambda: HEAD + READER % (" + 1" * 15_000)),
    "a chain of errors": ("verify", "more than 40,000", lambda: HEAD + "thread t {\n" + "!" * 190_000),
    "structs in structs": ("verify", "bytes", lambda: structs(26)),
    "more structs in structs": ("verify", "bytes", lambda: structs(200)),
    "events": ("trace", "more than 1000 events", lambda: trace(2_000, rf=True)),
    "guesses": ("trace", "too many ways", lambda: trace(120, rf=False)),
}


@pytest.mark.parametrize("name", sorted(LARGE))
def test_what_is_too_large_is_refused_at_once(checkout: Checkout, name: str) -> None:
    command, words, make = LARGE[name]
    checkout.write("large.litmus", make())
    started = time.process_time()
    code, text = checkout.run(command, "large.litmus")
    assert time.process_time() - started < 5
    assert code == 2 and words in text and "internal error" not in text, text[:500]
    assert re.search(r"large\.litmus:\d+:\d+", text), text[:500]
    assert text.count("error[") == 1


@pytest.mark.parametrize(
    ("command", "text"),
    [("verify", threads(12)), ("litmus", herd(12)), ("verify", structs(10)), ("trace", trace(300, rf=True))],
    ids=["threads", "threads of herd", "structs", "events"],
)
def test_what_is_not_too_large_is_decided(checkout: Checkout, command: str, text: str) -> None:
    checkout.write("large.litmus", text)
    tracemalloc.start()
    code, _ = checkout.run(command, "large.litmus")
    assert tracemalloc.get_traced_memory()[1] < 300_000_000
    tracemalloc.stop()
    assert code in (0, 1)
