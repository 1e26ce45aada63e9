"""The platform's rules for devices beside the model: which barriers count between memory and a device (docs/models.md).

Every verdict is asked of both engines: they share the model's file, and neither the encoding nor the sets and relations
that the rules are about.
"""

from __future__ import annotations

import pytest

import mmcheck.machine.armv8
import mmcheck.machine.tso
from mmcheck.base.errors import InputError
from mmcheck.base.records import replace
from mmcheck.engines.enumeration.enumerate import Enumeration
from mmcheck.model.concrete import check as objections
from mmcheck.model.expr import walk
from mmcheck.model.model import load_model
from mmcheck.target.armv8 import FOR_CPUS
from mmcheck.target.targets import parse_target
from mmcheck.verdict.check import Checker, engine_of
from mmcheck.verdict.results import Finding
from tests.unit.semantics.semantics import spec_of


def ask(text: str, target: str = "armv8") -> Finding:
    """The finding on the one requirement of `text`; both engines agree on verdict, layer and clauses."""
    parsed = parse_target(target)
    program = spec_of(text).program(parsed, None)
    model = load_model(parsed.model)
    (requirement,) = program.requirements
    found = Checker(engine_of("smt", program, model, layered=parsed.compiled)).run(requirement)
    listed = Checker(engine_of("enumerate", program, model, layered=parsed.compiled)).run(requirement)
    assert (listed.verdict, listed.layer, listed.clauses) == (found.verdict, found.layer, found.clauses)
    return found


def verdict(text: str, target: str = "armv8") -> str:
    found = ask(text, target)
    return found.verdict if found.layer is None else f"{found.verdict} by {found.layer}"


DOORBELL = """targets armv8, armv8+lse, x86-tso
CONST
memory idx
KIND db
requirement r { says "a device that sees the doorbell sees the index" }
thread driver {
  idx.write_volatile(1)
  RING
}
device host {
  await db.load(acquire) == 1
  let i = idx.load(relaxed)
  assert i == 1 for r
}
"""
PLATFORM, HARDWARE, HOLDS = "violated by platform", "violated by hardware", "holds"
RING = {
    "smp_wmb(); db.write_volatile(1)": PLATFORM,
    "smp_mb(); db.write_volatile(1)": PLATFORM,
    "fence(release); db.write_volatile(1)": PLATFORM,
    "fence(seq_cst); db.write_volatile(1)": PLATFORM,
    "db.store(1, release)": PLATFORM,
    "db.store(1, seq_cst)": PLATFORM,
    "on armv8 { dmb(ishst) }; db.write_volatile(1)": PLATFORM,
    "on armv8 { dmb(nsh) }; db.write_volatile(1)": PLATFORM,
    "on armv8 { dmb(oshst) }; db.write_volatile(1)": HOLDS,
    "on armv8 { dmb(st) }; db.write_volatile(1)": HOLDS,
    "on armv8 { dmb(sy) }; db.write_volatile(1)": HOLDS,
    "on armv8 { dsb(ishst) }; db.write_volatile(1)": HOLDS,
    "dma_wmb(); db.write_volatile(1)": HOLDS,
    "wmb(); db.write_volatile(1)": HOLDS,
    "smp_wmb(); dma_wmb(); db.write_volatile(1)": HOLDS,
    "writel(1, db)": HOLDS,
    "writel_relaxed(1, db)": HARDWARE,
    "dma_rmb(); db.write_volatile(1)": HARDWARE,
    "db.write_volatile(1)": HARDWARE,
}


@pytest.mark.parametrize("ring", RING)
def test_between_memory_and_a_register_only_barriers_for_devices_count(ring: str) -> None:
    text = DOORBELL.replace("CONST", "").replace("KIND", "mmio").replace("RING", ring)
    assert verdict(text) == RING[ring]
    assert verdict(text, "x86-tso") == HOLDS


@pytest.mark.parametrize("ring", RING)
def test_with_order_platform_so_it_is_between_memory_and_memory(ring: str) -> None:
    text = DOORBELL.replace("CONST", "const ORDER_PLATFORM = true").replace("KIND", "memory").replace("RING", ring)
    found = ask(text)
    assert verdict(text) == RING[ring]
    assert found.clauses == (("VirtIO 1.2, 6.1",) if RING[ring] == PLATFORM else ())
    without = text.replace("= true", "= false")
    assert verdict(without) == (RING[ring] if RING[ring] == HARDWARE else HOLDS)


def test_lse_atomics_with_acquire_and_release_are_barriers_for_cpus() -> None:
    ring = "idx.swap(1, seq_cst); db.write_volatile(1)"
    assert verdict(DOORBELL.replace("CONST", "").replace("KIND", "mmio").replace("RING", ring), "armv8+lse") == PLATFORM


def test_a_dependency_counts_the_cpu_must_have_the_value() -> None:
    text = """targets armv8
memory idx
mmio db
requirement r { says "what the device is told is what it finds" }
thread other { idx.write_volatile(1); }
thread driver {
  let x = idx.read_volatile()
  db.write_volatile(x)
}
device host {
  await db.load(acquire) == 1
  let i = idx.load(relaxed)
  assert i == 1 for r
}
"""
    assert verdict(text) == HOLDS


TWO = """targets armv8, x86-tso
mmio DECLARED
requirement r { says "registers of one device are written in order" }
thread driver {
  first.write_volatile(1)
  second.write_volatile(1)
}
device host {
  await second.load(acquire) == 1
  let i = first.load(relaxed)
  assert i == 1 for r
}
"""


def test_registers_of_one_device_keep_their_order() -> None:
    text = TWO.replace("DECLARED", "first, second")
    assert verdict(text) == HOLDS
    assert verdict(text.replace("mmio", "volatile")) == HARDWARE


def test_registers_of_two_devices_do_not() -> None:
    text = TWO.replace("DECLARED", "first, second").replace("mmio", "memory seen\nmmio")
    text = text.replace("  let i = first.load(relaxed)\n", "  seen.store(1, release)\n")
    text = text.replace("  assert i == 1 for r\n", "")
    text += """device other {
  await seen.load(acquire) == 1
  let i = first.load(relaxed)
  assert i == 1 for r
}
"""
    assert verdict(text) == HARDWARE


STORE_THEN_LOAD = """targets armv8, x86-tso
mmio doorbell, status
memory idx
requirement r { ~exists driver.a == 0 && host.b == 0 }
thread driver {
  doorbell.write_volatile(1)
  BETWEEN
  let a = WHERE.read_volatile()
}
device host {
  WHERE.store(1, relaxed)
  fence(seq_cst)
  let b = doorbell.load(relaxed)
}
"""


@pytest.mark.parametrize(
    ("between", "where", "armv8", "x86"),
    [
        ("nothing", "status", HOLDS, HOLDS),  # both are registers of one device
        ("nothing", "idx", HARDWARE, HARDWARE),  # an uncached store, then a load of memory
        ("smp_mb()", "idx", PLATFORM, HOLDS),
        ("mb()", "idx", HOLDS, HOLDS),
        ("let c = readl(status)", "idx", HOLDS, HOLDS),  # reading back is enough
        ("let c = readl_relaxed(status)", "idx", HARDWARE, HOLDS),
        ("let c = status.load(acquire)", "idx", PLATFORM, HOLDS),
    ],
)
def test_a_register_written_and_then_a_look(between: str, where: str, armv8: str, x86: str) -> None:
    text = STORE_THEN_LOAD.replace("BETWEEN", between).replace("WHERE", where)
    text += "device watcher { let s = status.load(relaxed); let d = doorbell.load(relaxed) }\n"
    assert verdict(text) == armv8
    assert verdict(text, "x86-tso") == x86


LINUX = """targets armv8, x86-tso
const ORDER_PLATFORM = NEGOTIATED
memory data, flag, note
requirement r { ~exists driver.a == 0 && host.b == 0 }
thread driver {
  BODY
  let a = note.read_volatile()
}
device host {
  note.store(1, relaxed)
  fence(seq_cst)
  let b = flag.load(relaxed)
}
"""


@pytest.mark.parametrize("body", ["WRITE_ONCE(flag, 1); virtio_mb()", "virtio_store_mb(flag, 1)"])
def test_linux_words_become_barriers_for_devices(body: str) -> None:
    for negotiated in ("true", "false"):
        text = LINUX.replace("BODY", body).replace("NEGOTIATED", negotiated)
        assert verdict(text) == HOLDS and verdict(text, "x86-tso") == HOLDS
    stuck = LINUX.replace("BODY", body.replace("virtio_", "virt_")).replace("NEGOTIATED", "true")
    assert verdict(stuck) == PLATFORM and verdict(stuck, "x86-tso") == HOLDS


def test_what_only_cpus_share_is_not_bound() -> None:
    text = """targets armv8
const ORDER_PLATFORM = true
memory data, flag, ring
requirement r { says "a message between CPUs" }
thread a { data = 1; flag.store(1, release) }
thread b { await flag.load(acquire) == 1; let d = data; assert d == 1 for r }
device host { let i = ring.load(relaxed) }
"""
    assert verdict(text) == HOLDS
    shared = text.replace("ring.load(relaxed)", "data.load(relaxed)")
    assert verdict(shared) == PLATFORM


def test_what_a_pointer_leads_to_is_shared() -> None:
    text = """targets armv8
const ORDER_PLATFORM = true
memory data, flag, ptr: *u32 = &data
requirement r { says "a message through a pointer" }
thread driver { data = 1; fence(release); flag.write_volatile(1) }
device host { await flag.load(acquire) == 1; let d = *ptr; assert d == 1 for r }
"""
    assert verdict(text) == PLATFORM


def test_who_takes_the_doorbell_is_the_device_also_in_software() -> None:
    text = """targets armv8
memory idx
mmio db: latch u32
requirement r { says "a device that is woken sees the index" }
thread driver { idx.write_volatile(1); writel(0, db) }
thread host { await db.take(); let i = idx.read_volatile(); assert i == 1 for r }
"""
    assert verdict(text) == HOLDS


def test_a_verdict_that_rests_on_that_says_so() -> None:
    text = """targets armv8
memory data, idx
mmio db: latch u32
mmio isr
requirement r { says "what the driver is told is there" }
thread driver { await isr.read_volatile() == 1; dma_rmb(); let d = data.read_volatile(); assert d == 1 for r }
thread host { if db.take() { nothing }; data.write_volatile(1); fence(release); isr.write_volatile(1) }
"""
    found = ask(text)
    assert verdict(text) == HOLDS
    assert [note for note in found.notes if "counts as the device in software" in note]
    assert found.notes[0].startswith("host takes a doorbell")
    # Instructions, and a device in software all the same.
    assembly = ask(
        text.replace("thread host", "asm thread host")
    )  # instructions, and a device in software all the same
    assert [note for note in assembly.notes if note.startswith("host takes a doorbell")]
    assert not ask(text.replace("thread host", "device host")).notes
    strict = text.replace("fence(release)", "dma_wmb()")
    assert verdict(strict) == HOLDS and not ask(strict).notes
    assert verdict(text.replace("if db.take() { nothing }; ", "")) == PLATFORM


def test_what_stands_behind_an_interrupt_is_behind_it() -> None:
    text = """targets armv8
const ORDER_PLATFORM = true
memory data, irq: latch
requirement r { says "an interrupted driver sees the data" }
thread driver { await irq.take(); let d = data.read_volatile(); assert d == 1 for r }
device host { data.store(1, relaxed); fence(release); raise irq }
"""
    assert verdict(text) == HOLDS


def test_the_run_shown_is_one_that_the_model_forbids() -> None:
    text = DOORBELL.replace("CONST", "").replace("KIND", "mmio").replace("RING", "smp_wmb(); db.write_volatile(1)")
    found = ask(text)
    assert found.counterexample is not None
    run, model = found.counterexample.execution, load_model("armv8")
    assert run.platform and not objections(model, run)
    assert objections(model, replace(run, platform=False))
    assert [hop for hop in found.counterexample.cycle if not hop.ordered]


def test_the_constant_is_a_truth_value_or_a_number() -> None:
    text = DOORBELL.replace("KIND", "memory").replace("RING", "smp_wmb(); db.write_volatile(1)")
    assert verdict(text.replace("CONST", "const VIRTIO_F_ORDER_PLATFORM = 1")) == PLATFORM
    assert verdict(text.replace("CONST", "const VIRTIO_F_ORDER_PLATFORM = 0")) == HOLDS
    with pytest.raises(InputError):
        ask(text.replace("CONST", "const ORDER_PLATFORM = nothing_known"))


@pytest.mark.parametrize("name", ["VIRTIO_F_ORDER_PLATFROM", "order_platform", "VIRTIO_ORDER_PLATFORM"])
def test_a_constant_of_almost_that_name_is_an_error_unless_it_is_used(name: str) -> None:
    text = DOORBELL.replace("KIND", "memory").replace("RING", "smp_wmb(); db.write_volatile(1)")
    with pytest.raises(InputError, match=f"MM254 nothing reads the constant '{name}'; did you mean '.*ORDER_PLATFORM'"):
        ask(text.replace("CONST", f"const {name} = true"))
    with pytest.raises(InputError, match="MM254"):
        ask(text.replace("CONST", "") + f'variant "v" {{ const {name} = true }}\n')
    used = text.replace("CONST", f"const {name} = true; const ORDER_PLATFORM = {name}")
    assert verdict(used.replace("; const", "\nconst")) == PLATFORM
    assert verdict(text.replace("CONST", "const ACCESS_PLATFORM = true")) == HOLDS


def test_it_is_negotiated_if_either_constant_says_so() -> None:
    text = DOORBELL.replace("KIND", "memory").replace("RING", "smp_wmb(); db.write_volatile(1)")
    both = "const ORDER_PLATFORM = {}\nconst VIRTIO_F_ORDER_PLATFORM = {}"
    assert verdict(text.replace("CONST", both.format("false", "true"))) == PLATFORM
    assert verdict(text.replace("CONST", both.format("true", "false"))) == PLATFORM
    assert verdict(text.replace("CONST", both.format("false", "false"))) == HOLDS


MACHINES = {"armv8": mmcheck.machine.armv8.run, "x86-tso": mmcheck.machine.tso.run}


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("between", ["nothing", "let c = readl(status)", "let c = readl_relaxed(status)"])
@pytest.mark.parametrize("where", ["status", "idx"])
def test_the_machines_order_registers_as_the_model_does(target: str, between: str, where: str) -> None:
    text = (
        STORE_THEN_LOAD.replace("BETWEEN", between)
        .replace("WHERE", where)
        .replace("thread driver", "asm thread driver")
    )
    text += "device watcher { let s = status.load(relaxed); let d = doorbell.load(relaxed) }\n"
    program = spec_of(text).program(parse_target(target), None)
    model = load_model(target)
    listed = {tuple(sorted(run.final.items())) for run in Enumeration(program, model, settle=True).runs()}
    assert {final.values for final in MACHINES[target](program).finals} == listed


def test_what_counts_beside_devices_is_bob_without_what_is_for_cpus() -> None:
    definitions = load_model("armv8").definitions

    def sets(name: str) -> set[str]:
        return {node.name for node in walk([definitions[name]]) if node.op == "set"}

    assert sets("bob") - FOR_CPUS == sets("device-bob")
