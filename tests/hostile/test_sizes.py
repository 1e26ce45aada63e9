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


def loops(count: int) -> str:
    heads = "".join("while y.load(relaxed) == 1 {\n" for _ in range(count))
    return HEAD + READER % "" + "thread w {\n" + heads + "y.store(2, relaxed)\n" + "}\n" * count + "}\n"


def many_writes(threads: int, count: int) -> str:
    body = "".join(f"y.store({number}, relaxed)\n" for number in range(count))
    return HEAD + "".join(f"thread t{number} {{\n{body}}}\n" for number in range(threads)) + READER % ""


def branches(count: int) -> str:
    tests = "".join(f"let b{number} = y\nif b{number} == 1 {{ y = {number} }}\n" for number in range(count))
    return HEAD + READER % "" + f"thread u {{\n{tests}}}\n"


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
    "loops in loops": ("verify", "loops in one another", lambda: loops(8)),
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


def test_a_bound_that_is_too_large_for_loops_in_loops_is_refused_at_once(checkout: Checkout) -> None:
    checkout.write("large.litmus", loops(2))
    code, text = checkout.run("verify", "large.litmus", "--bound", "100")
    assert code == 2 and "loops in one another have more than 25 rounds" in text
    assert re.search(r"large\.litmus:\d+:\d+", text)


@pytest.mark.parametrize(
    ("text", "options"),
    [(many_writes(40, 20), ()), (branches(250), ()), (loops(4), ()), (many_writes(40, 20), ("--engine", "enumerate"))],
    ids=["writes", "branches", "loops", "writes, one by one"],
)
def test_a_time_limit_reaches_every_stage(checkout: Checkout, text: str, options: tuple[str, ...]) -> None:
    """Orders of writes, what depends on what, and what is asked when all is unknown took minutes beyond it."""
    checkout.write("large.litmus", text)
    started = time.process_time()
    code, said = checkout.run("verify", "large.litmus", "--timeout", "0.3", *options)
    assert code == 3 and "the time limit was reached" in said, said[:500]
    assert time.process_time() - started < 3


def test_a_time_limit_reaches_the_search_for_devices(checkout: Checkout) -> None:
    checkout.write("large.litmus", branches(250).replace("memory y\n", "memory y\nmmio z\n"))
    started = time.process_time()
    code, said = checkout.run("place", "large.litmus", "--timeout", "0.3")
    assert code == 3 and "the time limit was reached" in said, said[:500]
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("command", "text"),
    [("verify", threads(12)), ("litmus", herd(12)), ("verify", structs(10)), ("trace", trace(120, rf=True))],
    ids=["threads", "threads of herd", "structs", "events"],
)
def test_what_is_not_too_large_is_decided(checkout: Checkout, command: str, text: str) -> None:
    checkout.write("large.litmus", text)
    tracemalloc.start()
    code, _ = checkout.run(command, "large.litmus")
    assert tracemalloc.get_traced_memory()[1] < 300_000_000
    tracemalloc.stop()
    assert code in (0, 1)


def _chain(step: str, count: int) -> str:
    return "let a0 = po\n" + "".join(f"let a{n} = {step.format(n - 1)}\n" for n in range(1, count))


MODELS: dict[str, tuple[str, str]] = {
    "a chain of sequences": ("sets and relations", _chain("a{0};a{0}", 60) + "acyclic a59 as x\n"),
    "a chain of functions": (
        "functions of functions",
        "let f0(x) = x|x\n"
        + "".join(f"let f{n}(x) = f{n - 1}(f{n - 1}(x))\n" for n in range(1, 40))
        + "empty f39(po) as x\n",
    ),
    "a deep chain of functions": (
        "functions of functions",
        "let f0(x) = x\n" + "".join(f"let f{n}(x) = f{n - 1}(x)\n" for n in range(1, 2000)) + "empty f1999(po) as x\n",
    ),
    "a long recursion": (
        "defined by each other",
        "let rec r0 = po "
        + "".join(f"and r{n} = r{n - 1};r{n * 7 % 2000}\n" for n in range(1, 2000))
        + "acyclic r5 as x\n",
    ),
}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_that_is_too_large_is_refused_at_once(checkout: Checkout, name: str) -> None:
    words, text = MODELS[name]
    checkout.write("large.cat", text)
    checkout.write("a.litmus", HEAD + READER % "")
    started = time.process_time()
    code, said = checkout.run("verify", "a.litmus", "--target", "large.cat+armv8")
    assert time.process_time() - started < 5
    assert code == 2 and words in said and "error[MM412]" in said, said[:500]
    assert re.search(r"large\.cat:\d+:\d+", said), said[:500]


def test_a_function_leaves_names_as_they_were(checkout: Checkout) -> None:
    """`x` is a relation of its own again after it was the parameter of `f`, and `f` may be applied again."""
    text = "let x = co\nlet f(x) = x;x\nlet a = f(po) | f(rf) | x\nacyclic a as one\nacyclic po | rf | co | fr as sc\n"
    checkout.write("names.cat", text)
    checkout.write("a.litmus", HEAD + READER % "")
    code, said = checkout.run("verify", "a.litmus", "--target", "names.cat+armv8")
    assert code == 1 and "error" not in said, said
