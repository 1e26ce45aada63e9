"""``mmcheck render --embed``: regions of a Markdown file are made anew, and nothing else in it changes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mmcheck.__main__ import main

SPEC = """spec "message passing"
targets armv8, x86-tso
memory data, flag
requirement seen { says "a reader that sees the flag sees the data" }
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
BEGIN, END = "<!-- mmcheck: specs/mp.litmus -->", "<!-- mmcheck: end -->"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs" / "specs").mkdir(parents=True)
    (tmp_path / "docs" / "specs" / "mp.litmus").write_text(SPEC)
    return tmp_path


def page(folder: Path, *regions: str) -> Path:
    text = "# Title\n\n" + "\n\nbetween\n\n".join(f"{begin}\nold\n{END}" for begin in regions) + "\n\nafter\n"
    path = folder / "docs" / "page.md"
    path.write_text(text)
    return path


def test_a_region_is_filled_and_stays(folder: Path) -> None:
    path = page(folder, BEGIN)
    assert main(["render", "--embed", "docs/page.md"]) == 0
    text = path.read_text()
    assert text.startswith(f"# Title\n\n{BEGIN}\n\n| requirement | program | armv8 | x86-tso |\n")
    assert text.endswith(f"{END}\n\nafter\n")
    assert "\nold\n" not in text
    assert "| seen | as written | ✓ holds | ✓ holds |" in text
    assert "| seen | “bare” | ✗ violated | ✗ violated |" in text
    pictures = sorted((folder / "docs" / "mmcheck-graphs").iterdir())
    assert len(pictures) == 2
    for picture in pictures:
        assert f"](mmcheck-graphs/{picture.name})" in text
        assert ET.parse(picture).getroot().tag.endswith("svg")
    assert main(["render", "--embed", "docs/page.md", "--check"]) == 0
    assert main(["render", "--embed", "docs/page.md"]) == 0
    assert path.read_text() == text


def test_a_region_chooses(folder: Path) -> None:
    path = page(folder, '<!-- mmcheck: specs/mp.litmus requirement=seen variant="bare" target=armv8 graph=no -->')
    assert main(["render", "--embed", "docs/page.md"]) == 0
    assert "| requirement | program | armv8 |\n|---|---|---|\n| seen | “bare” | ✗ violated |\n" in path.read_text()
    assert not (folder / "docs" / "mmcheck-graphs").exists()


def test_pictures_as_text(folder: Path) -> None:
    path = page(folder, BEGIN)
    assert main(["render", "--embed", "docs/page.md", "--text"]) == 0
    assert "```text\n" in path.read_text() and "no barrier here" in path.read_text()


def test_check_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = page(folder, BEGIN)
    before = path.read_text()
    assert main(["render", "--embed", "docs/page.md", "--check"]) == 1
    assert path.read_text() == before
    assert "out of date: docs/page.md" in capsys.readouterr().err


def test_a_changed_specification_is_out_of_date(folder: Path) -> None:
    page(folder, BEGIN, BEGIN)
    assert main(["render", "--embed", "docs/page.md"]) == 0
    (folder / "docs" / "specs" / "mp.litmus").write_text(
        SPEC.replace("  publish: fence(release)\n", "  publish: nothing\n")
    )
    assert main(["render", "--embed", "docs/page.md", "--check"]) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BEGIN, "this region has no end"),
        (END, "no region begins before this end"),
        (f"{BEGIN}\n{BEGIN}\n{END}", "this region begins inside of another"),
        (f"<!-- mmcheck: specs/mp.litmus color=red -->\n{END}", "a region takes"),
        (f"<!-- mmcheck: specs/mp.litmus requirement=nope -->\n{END}", "no result of that file fits"),
        (f'<!-- mmcheck: "specs/mp.litmus -->\n{END}', "names no file"),
        (f"<!-- mmcheck: specs/other.litmus -->\n{END}", "there is no such file"),
    ],
)
def test_mistakes(folder: Path, capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    (folder / "docs" / "page.md").write_text(f"{text}\n")
    assert main(["render", "--embed", "docs/page.md"]) == 2
    assert message in capsys.readouterr().err
    assert (folder / "docs" / "page.md").read_text() == f"{text}\n"


def test_no_text_ends_a_region(folder: Path) -> None:
    """A sentence that is wrapped so that the mark of the end has a line of its own."""
    path = page(folder, BEGIN)
    says = f"{'x ' * 33}{END}"
    spec = SPEC.replace("a reader that sees the flag sees the data", says)
    (folder / "docs" / "specs" / "mp.litmus").write_text(spec)
    for _ in range(2):
        assert main(["render", "--embed", "docs/page.md", "--text"]) == 0
        assert path.read_text().count(END) == 1


@pytest.mark.parametrize("title", ["</svg><script>x</script>", "a | b", "[x](javascript:y)", "`x` *y*", "\u202eabc"])
def test_hostile_titles_are_plain_text(folder: Path, title: str) -> None:
    path = page(folder, BEGIN)
    spec = SPEC.replace('"bare"', f'"{title}"').replace("a reader that sees", f"{title} a reader that sees")
    (folder / "docs" / "specs" / "mp.litmus").write_text(spec, encoding="utf-8")
    assert main(["render", "--embed", "docs/page.md"]) == 0
    text = path.read_text()
    assert "<script" not in text and "](javascript" not in text and "\u202e" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5}
