"""What a compiler chooses instead of computing it: an index of that kind orders no read (docs/compiler.md).

Each row was compiled by clang 22.1.8 for AArch64 at -O2, and but for those that are said to be careful the verdict is
what the machine code has: the address is computed from what was read, or it comes from CSEL, CSET or a branch.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import mmcheck

BIG = 0x80000000
COMPUTED = [
    ("r & 1", 1, 1),
    ("(r & 1) ^ 1", 2, 1),
    ("1 - (r & 1)", 2, 1),
    ("(r & 4) + 1", 4, 5),
    ("(r >> 4) & 1", 16, 1),
    ("(r & 2) << 1", 2, 4),
    ("(r & 1) * 4", 1, 4),
    ("(r & 1) * 4 + 1", 1, 5),
    ("r >> 31", BIG, 1),
    ("(r >> 31) << 2", BIG, 4),
    ("((r >> 31) ^ 1) & 0 | (r & 1)", 1, 1),
    ("r & 3", 1, 1),
    ("(r & 3) * 2", 1, 2),
    ("(r & 3) * 3 & 7", 1, 3),
    ("(r & 1) + ((r >> 1) & 1)", 1, 1),
    ("(r + 1) & 3", 1, 2),
    ("(r * 5 + 1) & 7", 1, 6),
    ("(r & 1) * 3 + (r & 4)", 4, 4),
    ("(r ^ q) & 1", 1, 1),
    ("(r | q) & 1", 1, 1),
    ("(r & 3) / 2", 2, 1),
    ("1 << (r & 1)", 1, 2),
]
CHOSEN = [
    ("(r & 1) * 3", 1, 3),
    ("3 * (r & 1)", 1, 3),
    ("(r & 1) * 5 + 1", 1, 6),
    ("3 - (r & 1) * 3", 2, 3),
    ("((r & 4) >> 2) * 3", 4, 3),
    ("(r & 1) + (r & 1) * 2", 1, 3),
    ("(r & 1) | ((r & 1) << 1)", 1, 3),
    ("(r & 1) * (r & 1) * 3", 1, 3),
    ("(r & 1) * 3 + q", 1, 3),
    ("((r & 1) * 3) ^ 3", 2, 3),
    ("(r | (r >> 1)) & 1", 1, 1),
    ("(r & (r >> 1)) & 1", 3, 1),
    ("((r & 3) + 1) >> 2", 3, 1),
    ("(r | (r >> 1)) & 1 ^ 1", 4, 1),
    ("(r >> 31) * 3", BIG, 3),
    ("((r >> 31) ^ 1) + 1", 1, 2),
    ("((r as i32 >> 31) as u32) & 3", BIG, 3),
    ("(0 - (r & 1)) & 3", 1, 3),
    ("((r & 1) - 1) & 5", 2, 5),
    ("(r & 1) * n", 1, 2),
    ("n * (r & 1) + 1", 1, 3),
    ("((r & 1) ^ 1) * n", 4, 2),
    ("(r == 1) as u32 * 3", 1, 3),
    ("(r == 1) as u32", 1, 1),
    ("(r & 7) / 5", 5, 1),
]
CAREFUL = [
    ("(r & 2) * 3", 2, 6),  # UMULL, but one shift from what is selected
    ("(r * r) >> 31 ^ 1", 1, 1),
]
"""These clang computes today."""
ROWS = [(*row, "computed") for row in COMPUTED] + [(*row, "chosen") for row in (*CHOSEN, *CAREFUL)]

TEXT = """targets armv8
memory x, m = 2, k, a[8]
asm thread writer {{
  a[{element}] = 1
  dmb(ish)
  x.write_volatile({number})
}}
thread reader {{
  let n = m
  let q = k.read_volatile()
  let r = x.read_volatile()
  {body}
}}
requirement mp {{ ~exists reader.r == {number} && reader.v == 0 }}
"""


def verdict_of(text: str, engine: str, tmp_path: Path) -> str:
    path = tmp_path / "test.litmus"
    path.write_text(text)
    report = mmcheck.verify([path], engine=engine, cache=False)
    assert not [each for file in report.files for each in file.diagnostics if each.severity == "error"]
    (result,) = report.results
    return result.verdict


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
@pytest.mark.parametrize(("index", "number", "element", "kind"), ROWS, ids=[row[0] for row in ROWS])
def test_an_index(index: str, number: int, element: int, kind: str, engine: str, tmp_path: Path) -> None:
    body = f"let v = a[{index}].read_volatile()"
    text = TEXT.format(body=body, number=number, element=element)
    assert verdict_of(text, engine, tmp_path) == ("holds" if kind == "computed" else "violated")


BODIES = {
    "through a register": ("let e = (r & 1) * 3; let v = a[e].read_volatile()", "violated"),
    "in an arm": ("let mut e: u32 = r & 1; if q == 0 { e = e * 3 }; let v = a[e].read_volatile()", "violated"),
    "behind a join": ("let mut e: u32 = q; if q == 0 { e = r & 1 }; let v = a[e * 3].read_volatile()", "violated"),
    "from both arms": (
        "let mut e: u32 = 0; if q == 0 { e = r & 1 } else { e = q }; let v = a[e * 3].read_volatile()",
        "violated",
    ),
    "a truth value": ("let b = (r & 1) != 0; let v = a[b as u32 * 3].read_volatile()", "violated"),
    "through plain memory": ("k = r & 1; let e = k; let v = a[e * 3].read_volatile()", "violated"),
    "in a wider type": ("let e = (r as u64 & 1) * 3; let v = a[e].read_volatile()", "violated"),
    "a bit behind a join": ("let mut e: u32 = q; if q == 0 { e = r & 1 }; let v = a[e + 2].read_volatile()", "holds"),
}


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
@pytest.mark.parametrize(("body", "want"), BODIES.values(), ids=BODIES)
def test_an_index_that_comes_another_way(body: str, want: str, engine: str, tmp_path: Path) -> None:
    assert verdict_of(TEXT.format(body=body, number=1, element=3), engine, tmp_path) == want


RECORDS = """targets armv8
struct R {{ a: u32, b: u32, c: u32 }}
memory x
memory s[2]: R, b[4]: u8
asm thread writer {{
  {place} = 1
  dmb(ish)
  x.write_volatile(1)
}}
thread reader {{
  let r = x.read_volatile()
  let v = {read}.read_volatile()
}}
requirement mp {{ ~exists reader.r == 1 && reader.v == 0 }}
"""


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
@pytest.mark.parametrize(
    ("place", "read", "want"),
    [
        (
            "s[1].b",
            "s[r & 1].b",
            "holds",
        ),  # the size of an element is not multiplied before the address is made: UMADDL
        ("s[1].b", "s[(r & 1) ^ 0].b", "holds"),
        ("s[1].b", "s[(r | r >> 1) & 1].b", "violated"),
        ("b[3]", "b[(r & 1) * 3]", "violated"),
        ("b[3]", "b[(r as u64 & 1) * 3]", "violated"),
        ("b[1]", "b[r & 1]", "holds"),
    ],
)
def test_the_size_of_an_element_chooses_nothing(place: str, read: str, want: str, engine: str, tmp_path: Path) -> None:
    assert verdict_of(RECORDS.format(place=place, read=read), engine, tmp_path) == want


UPDATES = """targets {target}
memory x, a[8]
asm thread writer {{
  a[{element}] = 1
  dmb(ish)
  x.write_volatile(5)
}}
{kind} reader {{
  let r = x.{update}
  let t = x.load(relaxed)
  let v = a[t].read_volatile()
}}
requirement mp {{ ~exists reader.r == 5 && reader.t == {element} && reader.v == 0 }}
"""


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
@pytest.mark.parametrize("kind", ["asm thread", "thread"])
@pytest.mark.parametrize(
    ("update", "element", "exclusive", "single"),
    [
        ("fetch_min(3, relaxed)", 3, "violated", "holds"),
        ("fetch_min(1, relaxed)", 1, "violated", "holds"),
        ("fetch_max(6, relaxed)", 6, "violated", "holds"),
        ("fetch_max(2, relaxed)", 5, "holds", "holds"),
        ("fetch_and(1, relaxed)", 1, "holds", "holds"),
        ("fetch_or(2, relaxed)", 7, "holds", "holds"),
        ("swap(4, relaxed)", 4, "violated", "violated"),
    ],
)
def test_a_minimum_is_one_instruction_with_lse(
    update: str, element: int, exclusive: str, single: str, kind: str, engine: str, tmp_path: Path
) -> None:
    """LDUMIN computes what it writes (herd7: Never, reloaded as an index); a loop of LDXR and STXR has CMP and CSEL."""
    for target, want in (("armv8", exclusive), ("armv8+lse", single)):
        text = UPDATES.format(target=target, kind=kind, update=update, element=element)
        assert verdict_of(text, engine, tmp_path) == want


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
def test_the_least_of_all_is_swapped(engine: str, tmp_path: Path) -> None:
    """LLVM makes an exchange of a minimum with 0, which always writes 0; assembly stays as it is."""
    for kind, want in (("thread", "violated"), ("asm thread", "holds")):
        text = UPDATES.format(target="armv8+lse", kind=kind, update="fetch_min(0, relaxed)", element=0)
        assert verdict_of(text, engine, tmp_path) == want
