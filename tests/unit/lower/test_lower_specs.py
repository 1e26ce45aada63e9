"""Files, includes, variants and expectations."""

from __future__ import annotations

from pathlib import Path

import pytest
from lowering import diagnostics, load

from mmcheck.base.errors import InputError
from mmcheck.base.source import SourceFile
from mmcheck.ir import program as ir
from mmcheck.language.lower import load_spec
from mmcheck.target.targets import parse_target

ARM, X86 = parse_target("armv8"), parse_target("x86-tso")
BASE = "targets armv8, x86-tso\nmemory x, y\nrequirement r { forall x == 0 }\n"
THREAD = "thread P {\n  a: x = 1\n  m: nothing\n  b: y = 1\n}\n"


def shown(text: str, variant: str | None = None) -> list[str]:
    return ir.show(load(text).program(ARM, variant).threads[0].body).split("\n")


# --- variants ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ("replace m with fence(release)", ["x", "fence", "y"]),
        ("replace a, b with fence(release)", ["fence", "fence"]),
        ("drop a", ["y"]),
        ("add fence(release) before b", ["x", "fence", "y"]),
        ("add fence(release) after P.a; drop b", ["x", "fence"]),
        ("move b before a", ["y", "x"]),
        ("replace m with fence(release); move m after b", ["x", "y", "fence"]),
        ("replace m with fence(release); replace m with nothing", ["x", "y"]),
        ("override thread P { y = 2 }", ["y"]),
    ],
)
def test_edits(edits: str, expected: list[str]) -> None:
    """Edits apply in their order to named statements; what replaces a site keeps its name."""
    lines = shown(f'{BASE}{THREAD}variant "v" {{ {edits} }}', "v")
    names = {"[1048576]": "x", "[2097152]": "y", "fence": "fence"}
    assert [names[line.split(" ")[0]] for line in lines] == expected


def test_sites_in_functions_are_edited_for_all_callers() -> None:
    text = f'{BASE}fn f() {{ w: x = 1 }}\nthread P {{ f(); f() }}\nvariant "v" {{ replace f.w with y = 2 }}'
    assert ir.show(load(text).program(ARM, "v").functions["f"].body) == "[2097152] := 2 {Plain}"


def test_set_changes_one_order() -> None:
    text = f'{BASE}thread P {{ a: x.store(1, relaxed) }}\nvariant "v" {{ set a to Ordering::SeqCst }}'
    assert shown(text, "v") == ["[1048576] := 1 {Atomic L Release SeqCst}"]


def test_lone_stores_of_instructions_are_sites() -> None:
    text = f'{BASE}asm thread P {{ x = 1; y = 1 }}\nvariant "v" {{ replace P.y with fence(release) }}'
    assert shown(text, "v") == ["[1048576] := 1 {Plain}", "fence {DMB.ISH Fence RelFence}"]
    text = f'{BASE}thread P {{ x = 1; y = 1 }}\nvariant "v" {{ replace P.y with fence(release) }}'
    assert [each.code for each in diagnostics(text)] == ["MM206"]


def test_from_starts_from_the_program_and_not_from_its_expectations() -> None:
    text = (
        f'{BASE}{THREAD}variant "one" targets armv8 {{ drop a; expect r violated }}\n'
        'variant "two" from "one" { says "more"; replace m with dmb(st) }'
    )
    spec = load(text)
    assert shown(text, "two") == ["fence {Clobber DMB.ST}", "[2097152] := 1 {Plain}"]
    assert spec.expected("r", "final", ARM, "one")[0] == "violated"
    assert spec.expected("r", "final", ARM, "two") == ("holds", None, None)
    assert [spec.applicable(title, X86) for title in (None, "one", "two")] == [True, False, False]
    assert spec.variants[1].says == "more"


def test_statements_for_some_targets() -> None:
    spec = load(f"{BASE}thread P {{ on armv8 {{ let a = x; dmb(ish) }}; on x86-tso {{ mfence() }}; x = 1 }}")
    assert len(spec.program(ARM).threads[0].body) == 3
    assert len(spec.program(X86).threads[0].body) == 2


# --- expectations ------------------------------------------------------------------------------------


def test_the_most_specific_expectation_wins() -> None:
    text = (
        "targets armv8, armv8+lse, x86-tso\nmemory x\n"
        "requirement r { forall x == 0 }\nrequirement s { forall x == 1 }\n"
        "thread P { x = 1 }\nexpect violated\nexpect r holds on armv8\nexpect r violated by hardware on armv8+lse"
    )
    spec = load(text)
    lse = parse_target("armv8+lse")
    found = [spec.expected("r", "final", target)[:2] for target in (ARM, lse, X86)]
    assert found == [("holds", None), ("violated", "hardware"), ("violated", None)]
    assert spec.expected("s", "final", lse)[0] == "violated"
    where = spec.expected("r", "final", lse)[2]
    assert where is not None and where.line == 8


def test_questions_are_forbidden_unless_said() -> None:
    spec = load("targets armv8\nmemory x\nthread P { x = 1 }\nexists x == 0")
    assert spec.expected("test", "exists", ARM) == ("forbidden", None, None)
    assert spec.program(ARM).requirements[0].name == "test"


# --- includes ----------------------------------------------------------------------------------------

LIBRARY = "targets armv8\nconst N = 1\nmemory x\nrequirement r { forall x == N }\nfn f() { x = N }\nthread P { f() }\n"


def test_includes_bring_declarations() -> None:
    """An includer overrides, has its own targets if it names some, and never repeats a file."""
    assert [target.name for target in load('include "lib.litmus"', lib=LIBRARY).targets] == ["armv8"]
    text = 'spec "mine" targets x86-tso\ninclude "lib.litmus"\ninclude "./lib.litmus"\noverride const N = 2\n'
    spec = load(text, lib=LIBRARY)
    assert (spec.title, [target.name for target in spec.targets]) == ("mine", ["x86-tso"])
    program = spec.program(X86)
    assert ir.show(program.functions["f"].body) == "[1048576] := 2 {Plain}"
    assert str(program.requirements[0].cond) == "(eq [x] 2)"
    assert [file.path for file in spec.files] == ["lib.litmus", "test.litmus"]


def test_variants_and_expectations_of_an_include_stay_there() -> None:
    library = LIBRARY + 'expect r violated\nvariant "v" { drop f.s }\n'
    library = library.replace("{ x = N }", "{ s: x = N }")
    spec = load('include "lib.litmus"', lib=library)
    assert spec.variants == () and spec.expected("r", "final", ARM)[0] == "holds"


def test_a_requirement_that_loses_its_check_is_an_error() -> None:
    library = 'memory x\nrequirement r\n{ says "…" }\nthread P { let a = x; assert a == 0 for r }\n'
    text = 'include "lib.litmus"\noverride thread P { x = 1 }\n'
    assert [each.message for each in diagnostics(text, lib=library)] == [
        "the requirement 'r' of lib.litmus has no check left"
    ]
    assert diagnostics(text + "without r", lib=library) == ()


def test_a_requirement_that_one_target_does_not_check_is_an_error() -> None:
    text = """targets armv8, x86-tso
memory x
requirement r { says "checked where it is asserted" }
thread P { let a = x; on armv8 { assert a == 0 for r }; on x86-tso { other: nothing } }
"""
    assert [each.message for each in diagnostics(text)] == ["the requirement 'r' has no check left on x86-tso"]
    assert diagnostics(text.replace("other: nothing", "assert a == 0 for r")) == ()
    assert diagnostics(text.replace("armv8, x86-tso", "armv8, armv8+lse")) == ()
    variant = text.replace("other: nothing", "other: assert a == 0 for r") + 'variant "v" { drop P.other }\n'
    assert [each.message for each in diagnostics(variant)] == [
        "the requirement 'r' has no check left on x86-tso in the variant 'v'"
    ]


def test_a_library_is_no_mistake() -> None:
    spec = load("memory x\nfn f() { x = 1 }")
    assert spec.is_library and spec.warnings == ()
    assert [each.code for each in diagnostics("memory x\nfn f() { z = 1 }")] == ["MM200"]


def test_includes_that_cannot_be() -> None:
    found = diagnostics('include "a.litmus"\ninclude "no.litmus"', a='include "b.litmus"', b='include "a.litmus"')
    assert sorted(each.message for each in found) == [
        "there is no file 'no.litmus'",
        "these files include each other: a.litmus → b.litmus → a.litmus",
    ]
    found = diagnostics('include "../../../etc/passwd"\ninclude "/etc/passwd"')
    assert {each.message for each in found} == {
        "'../../../etc/passwd' leads out of the project",
        "'/etc/passwd' leads out of the project",
    }


def test_links_do_not_lead_out_of_the_project(tmp_path: Path) -> None:
    """The folder with a marker is the limit; a symbolic link is followed before it is judged."""
    project = tmp_path / "project"
    (project / "specs").mkdir(parents=True)
    (project / "pyproject.toml").touch()
    (project / "lib.litmus").write_text(LIBRARY)
    (tmp_path / "secret.litmus").write_text(LIBRARY)
    (project / "specs" / "link.litmus").symlink_to(tmp_path / "secret.litmus")
    path = project / "specs" / "a.litmus"
    assert load_spec(SourceFile(str(path), 'include "../lib.litmus"')).files[0].path == str(project / "lib.litmus")
    with pytest.raises(InputError, match="MM235"):
        load_spec(SourceFile(str(path), 'include "link.litmus"'))


# --- limits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "memory x[4096] { y[4096] }\nthread P { nothing }",
        "thread P(i in 0..1000000) { nothing }",
        "thread P { for i in 0..1000 { for j in 0..1000 { for k in 0..1000 { nothing } } } }",
        "const A = 1 << 63\nconst B = A * A\nconst C = B * B\nthread P { nothing }",
    ],
)
def test_hostile_texts_are_refused_at_once(text: str) -> None:
    assert len(diagnostics(text + "\nrequirement r { progress }")) == 1
