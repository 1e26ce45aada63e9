"""The Sphinx extension: what pages show, links, warnings that fail the build, parallel and repeated builds."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("sphinx")

ROOT = Path(__file__).resolve().parents[2]
SPEC = """spec "message passing"
include "places.litmus"
requirement seen { cites "implied:P1"; says "a reader that sees the flag sees the data" }
thread writer {
  data = 1
  publish: fence(release)
  flag.store(1, relaxed)
}
thread reader {
  let f = flag.load(acquire)
  if f == 1 {
    let d = data
    assert d == 1 for seen
  }
}
variant "bare" { drop publish; expect seen violated }
"""
INDEX = """Title
=====

.. mm:litmus:: mp.litmus
   :program:

See :mm:litmus:`mp`, :mm:litmus:`that <mp:seen>` and :any:`mp`.

.. toctree::

   other
   third
"""
OTHER = """Other
=====

.. mm:litmus:: /mp.litmus
   :requirement: seen
   :variant: bare
   :target: armv8
   :expect: violated
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "conf.py").write_text('extensions = ["mmcheck.sphinx"]\nproject = "t"\n')
    (folder / "places.litmus").write_text("memory data, flag\n")
    (folder / "mp.litmus").write_text(SPEC)
    (folder / "index.rst").write_text(INDEX)
    (folder / "other.rst").write_text(OTHER)
    (folder / "third.rst").write_text("Third\n=====\n\n:mm:litmus:`mp:seen`\n")
    return folder


def build(source: Path, *options: str, builder: str = "html") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-q", "-b", builder, *options, str(source), str(source.parent / builder)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "NO_COLOR": "1", "HOME": str(source.parent)}
    return subprocess.run(
        command, cwd=source.parent, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def page(source: Path, name: str = "index.html") -> str:
    return (source.parent / "html" / name).read_text(encoding="utf-8")


def test_pages_and_links(source: Path) -> None:
    done = build(source, "-W")
    assert (done.returncode, done.stderr) == (0, "")
    index = page(source)
    assert index.count("<svg") == 2 and "violated" in index
    assert '<span class="kd">requirement</span>' in index
    target = re.search(r'id="(mm-[^"]*seen[^"]*)"', page(source, "other.html"))
    assert target is not None
    assert f'href="other.html#{target[1]}"' in index
    assert f'href="other.html#{target[1]}"' in page(source, "third.html")
    assert page(source, "other.html").count("<svg") == 1
    ids = re.findall(r'\bid="([^"]+)"', index)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("builder", ["text", "latex", "man"])
def test_other_builders_show_text(source: Path, builder: str) -> None:
    done = build(source, "-W", builder=builder)
    assert (done.returncode, done.stderr) == (0, "")
    everything = "".join(
        path.read_text() for path in (source.parent / builder).rglob("*") if path.suffix in (".txt", ".tex", ".1")
    )
    assert "<svg" not in everything
    if builder == "text":
        assert "no barrier here" in everything


def test_a_changed_verdict_fails_the_build(source: Path) -> None:
    (source / "other.rst").write_text(OTHER.replace(":expect: violated", ":expect: holds"))
    done = build(source, "-W")
    assert done.returncode != 0
    assert (
        "other.rst:4: WARNING: expected to be holds: seen [bare] on armv8 is violated [mmcheck.verdict]" in done.stderr
    )


def test_a_verdict_that_is_not_as_claimed_fails_the_build(source: Path) -> None:
    (source / "mp.litmus").write_text(SPEC.replace("expect seen violated", ""))
    done = build(source, "-W", "--keep-going")
    assert done.returncode != 0
    assert "violated, claimed to hold: seen [bare] on x86-tso" in done.stderr


def test_a_requirement_that_nothing_is_checked_of_fails_the_build(source: Path) -> None:
    (source / "mp.litmus").write_text(SPEC.replace("if f == 1", "if f == 2").replace("expect seen violated", ""))
    done = build(source, "-W", "--keep-going")
    assert done.returncode != 0
    assert "vacuous, claimed to hold: seen [base] on x86-tso" in done.stderr


def test_the_warning_can_be_suppressed(source: Path) -> None:
    (source / "other.rst").write_text(OTHER.replace(":expect: violated", ":expect: holds"))
    done = build(source, "-W", "-D", "suppress_warnings=mmcheck.verdict")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("nowhere.litmus", "there is no file nowhere.litmus"),
        ("mp.litmus\n   :requirement: nope", "no result of mp.litmus fits what is asked for"),
        ("ugly.litmus", "ugly.litmus:1:"),
    ],
)
def test_mistakes_have_a_place(source: Path, argument: str, message: str) -> None:
    (source / "ugly.litmus").write_text("spec 'x\n")
    (source / "third.rst").write_text(f"Third\n=====\n\n.. mm:litmus:: {argument}\n")
    done = build(source)
    assert "third.rst:4: WARNING:" in done.stderr and message in done.stderr
    assert build(source, "-E", "-W").returncode != 0


def test_an_unknown_name_is_a_warning(source: Path) -> None:
    (source / "third.rst").write_text("Third\n=====\n\n:mm:litmus:`nope`\n")
    assert "no page shows the specification nope" in build(source).stderr


def test_parallel_builds_are_the_same(source: Path) -> None:
    for number in range(6):
        text = f"P\n=\n\n.. mm:litmus:: mp.litmus\n   :variant: base\n   :name: p{number}\n\n"
        text += f":mm:litmus:`p{5 - number}`\n"
        (source / f"p{number}.rst").write_text(":orphan:\n\n" + text)
    assert build(source, "-W", "-E").returncode == 0
    serial = {path.name: path.read_text() for path in (source.parent / "html").glob("*.html")}
    done = build(source, "-W", "-E", "-a", "-j", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name: path.read_text() for path in (source.parent / "html").glob("*.html")} == serial


def test_a_changed_specification_is_checked_again(source: Path) -> None:
    assert build(source, "-W").returncode == 0
    time.sleep(0.05)
    changed = SPEC.replace("  publish: fence(release)\n", "  publish: nothing\n")
    (source / "mp.litmus").write_text(changed)
    done = build(source, "-W")
    assert done.returncode != 0 and "violated, claimed to hold: seen [base]" in done.stderr


def test_a_changed_include_rebuilds_the_pages(source: Path) -> None:
    assert build(source, "-W").returncode == 0
    pages = [source.parent / "html" / name for name in ("index.html", "other.html")]
    before = [path.stat().st_mtime_ns for path in pages]
    time.sleep(0.05)
    (source / "places.litmus").write_text("memory data, flag, more\n")
    assert build(source, "-W").returncode == 0
    assert all(path.stat().st_mtime_ns > old for path, old in zip(pages, before, strict=True))


def test_an_unchanged_source_reads_nothing_again(source: Path) -> None:
    assert build(source, "-W").returncode == 0
    command = [sys.executable, "-m", "sphinx", "-b", "html", str(source), str(source.parent / "html")]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=source.parent, env=environment, capture_output=True, text=True, check=True)
    assert "0 added, 0 changed, 0 removed" in done.stdout


def test_hostile_titles(source: Path) -> None:
    hostile = "</svg></p><script>alert(1)</script>"
    text = SPEC.replace("message passing", hostile).replace('"bare"', f'"{hostile}"').replace("a reader that", hostile)
    (source / "mp.litmus").write_text(text)
    (source / "other.rst").write_text(OTHER.replace("   :variant: bare\n", "").replace("   :expect: violated\n", ""))
    done = build(source, "-W")
    assert done.returncode == 0, done.stderr
    for name in ("index.html", "other.html"):
        assert "<script>alert" not in page(source, name)
