"""Names of targets, orders and tags."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmcheck.base.errors import InputError
from mmcheck.target.architecture import Architecture
from mmcheck.target.armv8 import Armv8
from mmcheck.target.orders import ORDERS, merged, normal_order, unknown_order
from mmcheck.target.sc import Sc, Words
from mmcheck.target.tags import SOURCE_TAGS
from mmcheck.target.targets import applies_to, hardware_tags, parse_target, settle, specificity
from mmcheck.target.x86_tso import X86Tso
from mmcheck.verdict.litmus import decide

LITMUS = Path(__file__).resolve().parents[3] / "litmus" / "aarch64"


@pytest.mark.parametrize(
    ("text", "name", "compiled"),
    [
        ("armv8", "armv8", True),
        ("armv8+rcpc+lse", "armv8+lse+rcpc", True),
        ("x86-tso+no-irq-fence", "x86-tso+no-irq-fence", True),
        ("sc", "sc", False),
        ("models/my+own.cat", "models/my+own.cat", True),
        ("models/mine.cat+rcpc+armv8", "models/mine.cat+armv8+rcpc", True),
    ],
)
def test_a_target_prints_with_sorted_options(text: str, name: str, compiled: bool) -> None:
    target = parse_target(text)
    assert target.name == name
    assert target.compiled is compiled
    assert parse_target(target.name) == target
    assert target.model == target.base


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("arm8", "MM240", "unknown target 'arm8'; did you mean 'armv8'?"),
        ("aarch64", "MM240", "unknown target 'aarch64'; did you mean 'armv8'?"),
        ("X86", "MM240", "unknown target 'X86'; did you mean 'x86-tso'?"),
        ("power", "MM240", "unknown target 'power' — a target is armv8, x86-tso or sc, or a .cat file"),
        ("", "MM240", "unknown target '' — a target is armv8, x86-tso or sc, or a .cat file"),
        (".cat", "MM240", "unknown target '.cat' — a target is armv8, x86-tso or sc, or a .cat file"),
        ("armv8+lsee", "MM241", "unknown option '+lsee'; did you mean '+lse'?"),
        ("armv8+", "MM241", "unknown option '+' — armv8 has '+lse', '+rcpc' or '+monitor'"),
        ("sc+lse", "MM241", "unknown option '+lse' — sc has no options"),
        ("x86-tso+lse", "MM241", "unknown option '+lse' — x86-tso has '+no-irq-fence'"),
        ("m.cat+lse", "MM241", "unknown option '+lse' — m.cat has '+armv8' or '+x86-tso'"),
        ("m.cat+armv8+monitor", "MM241", "unknown option '+monitor' — m.cat has '+armv8', '+lse' or '+rcpc'"),
        ("armv8+lse+lse", "MM242", "option '+lse' is given twice"),
    ],
)
def test_a_wrong_target_is_named(text: str, code: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_target(text)
    [diagnostic] = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (code, message)


def test_what_is_said_of_a_base_applies_with_options() -> None:
    arm, lse, both = parse_target("armv8"), parse_target("armv8+lse"), parse_target("armv8+lse+rcpc")
    assert applies_to(arm, both)
    assert applies_to(lse, both)
    assert applies_to(arm, arm)
    assert not applies_to(lse, arm)
    assert not applies_to(arm, parse_target("x86-tso"))


@pytest.mark.parametrize(
    ("target", "kind", "chosen"),
    [
        ("armv8+rcpc", Armv8, {"rcpc"}),
        ("x86-tso+no-irq-fence", X86Tso, {"no-irq-fence"}),
        ("m.cat+armv8+lse", Armv8, {"lse"}),
        ("sc", Sc, set()),
        ("m.cat", Words, set()),
    ],
)
def test_architectures(target: str, kind: type[Architecture], chosen: set[str]) -> None:
    found = parse_target(target).architecture
    assert type(found) is kind and found.chosen == chosen


def test_what_is_said_of_a_machine_applies_to_a_model_of_ones_own_with_its_instructions() -> None:
    own = parse_target("m.cat+armv8+lse")
    assert applies_to(parse_target("armv8"), own) and applies_to(parse_target("armv8+lse"), own)
    assert not applies_to(parse_target("armv8+rcpc"), own) and not applies_to(parse_target("x86-tso"), own)
    assert not applies_to(parse_target("armv8+monitor"), own)
    assert not applies_to(parse_target("sc"), parse_target("m.cat"))
    said = ["armv8", "m.cat", "armv8+lse", "m.cat+armv8+lse"]
    assert sorted(said, key=lambda each: specificity(parse_target(each), own)) == said


def test_a_models_sets_settle_its_machine_and_layer() -> None:
    mine = parse_target("m.cat")
    assert isinstance(settle(mine, {"R", "W", "X", "DMB.ISH", "RelFence"}).architecture, Armv8)
    assert isinstance(settle(mine, {"R", "X", "MFENCE"}).architecture, X86Tso)
    assert settle(mine, {"R", "W"}) == mine
    language = settle(mine, {"R", "Acquire", "ScFence"})
    assert not language.compiled
    assert isinstance(language.architecture, Words)
    assert settle(parse_target("m.cat+armv8"), {"MFENCE"}) == parse_target("m.cat+armv8")
    assert settle(parse_target("armv8"), {"MFENCE"}) == parse_target("armv8")


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("acq_rel", "acq_rel"),
        ("SeqCst", "seq_cst"),
        ("Ordering::Release", "release"),
        ("std::sync::atomic::Ordering::AcqRel", "acq_rel"),
        ("memory_order_release", "release"),
        ("std::memory_order_seq_cst", "seq_cst"),
        ("std::memory_order::acquire", "acquire"),
        ("__ATOMIC_RELAXED", "relaxed"),
        ("RELEASE", None),
        ("aquire", None),
        ("", None),
    ],
)
def test_normal_order(text: str, order: str | None) -> None:
    assert normal_order(text) == order


def test_unknown_order_suggests() -> None:
    assert unknown_order("RELEASE").endswith("did you mean 'release'?")
    assert unknown_order("SeqCts").endswith("did you mean 'SeqCst'?")


def test_merged_is_at_least_both() -> None:
    stronger = {
        "relaxed": set(ORDERS),
        "acquire": {"acquire", "acq_rel", "seq_cst"},
        "release": {"release", "acq_rel", "seq_cst"},
        "acq_rel": {"acq_rel", "seq_cst"},
        "seq_cst": {"seq_cst"},
    }
    for success in ORDERS:
        for failure in ("relaxed", "acquire", "seq_cst"):
            assert merged(success, failure) in stronger[success] & stronger[failure]


def test_tags_are_told_apart() -> None:
    assert not hardware_tags().keys() & SOURCE_TAGS.keys()
    assert len([tag for tag in hardware_tags() if tag.startswith("DMB.")]) == 12
    assert all({**hardware_tags(), **SOURCE_TAGS}.values())


@pytest.mark.parametrize(
    ("target", "model"),
    [("armv8", "armv8"), ("armv8+lse", "armv8"), ("armv8+monitor+lse", "armv8+monitor"), ("m.cat+armv8", "m.cat")],
)
def test_an_option_of_the_model_chooses_the_model(target: str, model: str) -> None:
    assert parse_target(target).model == model


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
@pytest.mark.parametrize(
    ("test", "without", "with_monitor"),
    [
        ("own-store-between", "Sometimes", "Sometimes"),
        ("own-and-foreign-store-between", "Sometimes", "Never"),
        ("foreign-store-between", "Never", "Never"),
    ],
)
def test_the_exclusive_monitor(test: str, without: str, with_monitor: str, engine: str) -> None:
    path = LITMUS / f"{test}.litmus"
    for model, observation in (("armv8", without), ("armv8+monitor", with_monitor)):
        (outcome,) = decide([path], model=model, engine=engine)
        assert outcome.observation == observation
