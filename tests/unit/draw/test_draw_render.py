"""The three formats: golden samples, hostile labels, determinism."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings

from mmcheck.events.execution import Agent, Event, Execution
from mmcheck.ir.program import Origin
from mmcheck.report.draw import Highlight, Hop, Scene, build_scene, render_dot, render_svg, render_text
from mmcheck.report.draw.metrics import cells, clean, prose_width, wrap_prose
from mmcheck.report.draw.palette import DARK, LIGHT, STYLES, class_name, family
from tests.unit.draw.samples import SAMPLES
from tests.unit.draw.strategies import drawings

GOLDEN = Path(__file__).parents[2] / "golden" / "draw"
SPECS = Path(__file__).parents[3] / "specs"
SVG = "{http://www.w3.org/2000/svg}"
RENDERERS: dict[str, Callable[[Scene], str]] = {".svg": render_svg, ".dot": render_dot, ".txt": render_text}


@pytest.mark.parametrize("suffix", RENDERERS)
@pytest.mark.parametrize("name", SAMPLES)
def test_golden(name: str, suffix: str, request: pytest.FixtureRequest) -> None:
    actual = RENDERERS[suffix](build_scene(*SAMPLES[name]()))
    path = GOLDEN / (name + suffix)
    if request.config.getoption("--update-golden", default=False):
        path.write_text(actual, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == actual


@settings(max_examples=12, deadline=None, derandomize=True)
@given(drawings())
def test_whatever_the_labels_the_svg_is_well_formed_and_inert(drawing: tuple[Execution, Highlight]) -> None:
    root = ET.fromstring(render_svg(build_scene(*drawing)))
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "g", "rect", "path", "polygon", "text"}
    for element in root.iter():
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]
        assert all(character.isprintable() for character in (element.text or "").replace("\n", ""))


@settings(max_examples=12, deadline=None, derandomize=True)
@given(drawings())
def test_text_keeps_to_its_width(drawing: tuple[Execution, Highlight]) -> None:
    scene = build_scene(*drawing)
    for width in (80, 46):
        text = render_text(scene, width)
        assert [line for line in text.splitlines() if cells(line) > width] == []
        assert "\x1b" not in text


@settings(max_examples=12, deadline=None, derandomize=True)
@given(drawings())
def test_dot_has_no_html_labels_and_only_our_lines(drawing: tuple[Execution, Highlight]) -> None:
    source = render_dot(build_scene(*drawing))
    assert "=<" not in re.sub(r'"(?:[^"\\]|\\.)*"', '""', source.partition("digraph")[2])
    for line in source.splitlines():
        assert re.match(r"//|digraph|\}|\t", line)


def test_colour_only_adds_escapes() -> None:
    scene = build_scene(*SAMPLES["mp"]())
    coloured = render_text(scene, color=True)
    assert "\x1b[1;31m" in coloured
    plain = "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", coloured).split("\n"))
    assert render_text(scene) == plain


def test_svg_can_be_linked_queried_and_read_aloud() -> None:
    root = ET.fromstring(render_svg(build_scene(*SAMPLES["mp"]()), prefix="one-"))
    assert root.attrib["role"] == "img"
    ids = {element.attrib["id"]: element for element in root.iter() if "id" in element.attrib}
    assert {"one-ev-2", "one-ghost-0", "one-mm-title", "one-mm-desc"} <= set(ids)
    assert root.attrib["aria-labelledby"].split() == ["one-mm-title", "one-mm-desc"]
    assert ids["one-mm-title"].text == "The reader sees the flag but stale data"
    assert "Missing on writer: no barrier here." in (ids["one-mm-desc"].text or "")
    classes = {name for element in root.iter() for name in element.attrib.get("class", "").split()}
    assert {"rel-rf", "rel-fr", "rel-po", "on-cycle", "culprit"} <= classes


def test_markup_in_labels_is_shown_as_text() -> None:
    hostile = "</svg><script>alert(1)</script>"
    event = Event(0, 0, 0, "W", location=hostile, value=1, origin=Origin(text=hostile + "&amp;\"'"))
    scene = build_scene(
        Execution((Agent(hostile),), (event,), {}), Highlight((Hop(0, 0, hostile, hostile),), title=hostile)
    )
    svg = render_svg(scene, prefix='"><script>')
    assert "<script" not in svg and svg.count("</svg>") == 1
    dot = render_dot(scene)
    assert "&amp;amp;" in dot and 'label="</svg>' in dot


def test_dot_keeps_backslashes_and_brackets_literal() -> None:
    event = Event(0, 0, 0, "W", location=r"a\N", value=1, origin=Origin(text="<b>bold</b>"))
    dot = render_dot(build_scene(Execution((Agent("<b>t</b>"),), (event,), {}), Highlight(())))
    assert r"a\\N" in dot
    assert 'label="<b>t</b>"' in dot


def test_long_labels_are_cut() -> None:
    event = Event(0, 0, 0, "W", location="x" * 10_000, value=1, origin=Origin(text="y" * 10_000))
    scene = build_scene(Execution((Agent("z" * 10_000),), (event,), {}), Highlight((), title="t " * 10_000))
    for suffix, render in RENDERERS.items():
        assert len(render(scene)) < 16_000, suffix


def test_light_values_are_the_fallback_and_roles_are_complete() -> None:
    svg = render_svg(build_scene(*SAMPLES["virtqueue"]()))
    assert set(LIGHT) == set(DARK)
    assert len(LIGHT) == len(set(LIGHT.values()))
    assert "prefers-color-scheme:dark" in svg
    for role in re.findall(r'class="[fs]-([a-z-]+)"', svg):
        assert LIGHT[role] in svg


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_contrast_meets_wcag(theme: dict[str, str]) -> None:
    for role in ("ink", "muted", "faint"):
        for ground in ("box", "page", *(("culprit",) if role != "faint" else ())):
            assert _contrast(theme[role], theme[ground]) >= 4.5, (role, ground)
    assert _contrast(theme["barrier-ink"], theme["barrier"]) >= 4.5
    for style in STYLES.values():
        assert _contrast(theme[style.role], theme["page"]) >= 3.0, style
    for role in ("ghost",):
        assert _contrast(theme[role], theme["ghost-fill"]) >= 4.0


def test_relations_differ_without_colour() -> None:
    """Only po and rf share a dash pattern: po runs down its lane, rf across."""
    patterns = [style.dash for name, style in STYLES.items() if name != "po"]
    assert len(patterns) == len(set(patterns))


def test_families_and_class_names() -> None:
    assert [family(name) for name in ("rfe", "fri", "coe", "pick-data", "DMB.ISHST", "ob")] == [
        "rf",
        "fr",
        "co",
        "dep",
        "fence",
        "other",
    ]
    assert class_name("po;[DMB.ISHST];po") == "rel-po-dmb-ishst-po"
    assert class_name('">') == "rel-other"


def test_clean_text() -> None:
    assert clean("a \n\t b\x1b\u202e", 40) == r"a b\u001b\u202e"
    assert clean("漢字漢字", 4) == "漢…"
    assert clean("e" + "\u0301" * 50, 40) == "e\u0301\u0301"


def test_wrapped_prose_fits() -> None:
    lines = wrap_prose("word " * 30 + "W" * 200, 12, 200, 5)
    assert len(lines) == 5
    assert all(prose_width(line, 12) <= 200 for line in lines)
    assert lines[-1].endswith("…")


# Advances of DejaVu Sans and DejaVu Sans Bold in thousandths of an em: the widest fonts among the usual ones.
REGULAR = dict(zip("abcdefghijklmnopqrstuvwxyz .,:0AEINSTW=", (
    613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818,
    592, 592, 525, 318, 318, 318, 337, 636, 684, 632, 295, 748, 635, 611, 989, 838,
), strict=True))  # fmt: skip
HEAVY = dict(zip("abcdefghijklmnopqrstuvwxyz .,:0AEINSTW=", (
    675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595, 478, 712, 652, 924,
    645, 652, 582, 348, 380, 380, 400, 696, 774, 683, 372, 837, 720, 682, 1103, 838,
), strict=True))  # fmt: skip


@pytest.mark.parametrize(("bold", "advances"), [(False, REGULAR), (True, HEAVY)])
def test_prose_is_no_wider_than_estimated(bold: bool, advances: dict[str, int]) -> None:
    """Every sentence that a specification says, as the title of its picture."""
    says = {
        sentence
        for path in sorted(SPECS.rglob("*.litmus"))
        for sentence in re.findall(r'says +"([^"]+)"', path.read_text(encoding="utf-8"))
    }
    assert len(says) > 30
    for sentence in says:
        letters = [character for character in sentence if character in advances]
        width = sum(advances[letter] for letter in letters) / 1000
        assert width <= prose_width("".join(letters), 1, bold=bold), sentence


def test_output_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "from tests.unit.draw.samples import SAMPLES as S; from mmcheck.report.draw import *\n"
        "s = build_scene(*S['virtqueue'](), show_all=True); print(render_svg(s), render_dot(s), render_text(s))"
    )
    root = Path(__file__).parents[3]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_importing_the_package_does_not_import_graphviz() -> None:
    program = "import sys, mmcheck.report.draw; sys.exit('graphviz' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, env={"PYTHONPATH": str(root)}).returncode == 0
