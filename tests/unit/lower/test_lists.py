"""Structs that point to their own kind: lists, and the queue of an MCS lock (Mellor-Crummey and Scott, TOCS 1991)."""

from __future__ import annotations

from pathlib import Path

import pytest

import mmcheck
from mmcheck.base.errors import InputError
from tests.unit.semantics.semantics import spec_of

MCS = """
spec "an MCS lock"
targets armv8, x86-tso

struct Node { next: *Node, locked: u32 }

memory node[2]: Node, count
memory tail: *Node

requirement exclusive { forall count == 2 }
requirement passed_on { progress }

thread locker(i in 0..2) {
  node[i].next.store(null, relaxed)
  node[i].locked.store(1, relaxed)
  let before = tail.swap(&node[i], acq_rel)
  if before != null {
    before->next.store(&node[i], release)
    await node[i].locked.load(acquire) == 0
  }
  let c = count
  count = c + 1
  let alone = tail.compare_exchange(&node[i], null, release, relaxed)
  if alone.is_err() {
    await { let next = node[i].next.load(acquire) } until next != null
    release: next->locked.store(0, release)
  }
}

variant "a relaxed release" {
  set release to relaxed
  expect exclusive violated
}
"""


def test_mcs_lock(tmp_path: Path) -> None:
    path = tmp_path / "mcs.litmus"
    path.write_text(MCS)
    report = mmcheck.verify([path], cache=False)
    assert not report.files[0].diagnostics
    assert [(r.variant, r.requirement, r.target, r.verdict) for r in report.results if not r.as_claimed] == []


@pytest.mark.parametrize(
    "structs",
    [
        "struct A { b: *B, x: u32 }\nstruct B { a: *A, y: u32 }\nmemory p: A, q: B",
        "struct B { a: *A, y: u32 }\nstruct A { b: *B, x: u32 }\nmemory q: B, p: A",
    ],
)
def test_two_structs_that_point_to_each_other(structs: str) -> None:
    text = f"""
spec "two structs"
targets sc
{structs}
requirement r {{ forall T.y == 7 }}
thread T {{
  p.b = &q
  q.a = &p
  q.y = 7
  let round = p.b
  let back = round->a
  let again = back->b
  let y = again->y
}}
"""
    spec = spec_of(text)
    assert [cell.name for cell in spec.program(spec.targets[0], None).cells] in (
        ["p.b", "p.x", "q.a", "q.y"], ["q.a", "q.y", "p.b", "p.x"],
    )  # fmt: skip


@pytest.mark.parametrize("field", ["next: Node", "next[2]: Node", "other: Other"])
def test_a_struct_cannot_contain_itself(field: str) -> None:
    with pytest.raises(InputError, match="contains itself"):
        spec_of(
            f'spec "s"\ntargets sc\nstruct Node {{ {field} }}\nstruct Other {{ node: Node }}\nmemory n: Node\n'
            "requirement r { forall T.a == 0 }\nthread T { let a = 0 }\n"
        )
