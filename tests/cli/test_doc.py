"""``mmcheck doc``: pages that need nothing from outside, have no dead link, and keep hostile texts inert."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from shutil import which

import pytest
from cli_inputs import BROKEN, MESSAGE, Run

ROOT = Path(__file__).resolve().parents[2]
VOID = {"meta", "br", "img", "link", "hr", "input"}
HOSTILE = [
    "</svg></title></style><script>alert(1)</script>",
    "' onmouseover='alert(1)' --> <!--",
    "abc\u202egnp\u2066\u200ffed",
    "x" * 10_000,
]


@dataclass
class Page(HTMLParser):
    """What a page has: ids, links, elements; refuses what is not closed."""

    text: str
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    handlers: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
            if name in ("src", "srcset", "data", "action", "xlink:href", "poster"):
                self.sources.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()


def read(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


def dead_links(pages: dict[Path, Page]) -> list[str]:
    dead = []
    for path, page in pages.items():
        for link in page.links:
            name, _, fragment = link.partition("#")
            target = (path.parent / name).resolve() if name else path.resolve()
            found = next((each for other, each in pages.items() if other.resolve() == target), None)
            if found is None or (fragment and fragment not in found.ids):
                dead.append(f"{path.name}: {link}")
    return dead


def test_the_pages(mmcheck: Run, folder: Path) -> None:
    (folder / "lib.litmus").write_text("memory data\n")
    user = 'include "lib.litmus"\n' + BROKEN.replace("memory data, flag", "memory flag")
    (folder / "user.litmus").write_text(user)
    outcome = mmcheck("doc", ".", "-o", "site")
    assert outcome.code == 1  # two of the verdicts are not as claimed
    assert outcome.err == "mmcheck: 8 pages; start with site/index.html\n"
    pages = read(folder / "site")
    assert {path.name for path in pages} == {
        "index.html", "programs.html", "clauses.html", "bad.html", "good.html", "herd-MP.html", "lib.html", "user.html"
    }  # fmt: skip
    assert dead_links(pages) == []
    for page in pages.values():
        assert len(page.ids) == len(set(page.ids))
        assert not page.tags & {"script", "iframe", "link", "img", "object", "embed"}
        assert page.handlers == [] and page.sources == []
        assert page.headings[0] == 1 and page.headings.count(1) == 1
        assert {"main", "header", "nav", "footer"} <= page.tags
        assert "http" not in "".join(page.links)
        assert page.text.count("url(") == 0 and "@import" not in page.text
        assert 'name="viewport"' in page.text and "prefers-color-scheme: dark" in page.text
    bad = (folder / "site" / "spec" / "bad.html").read_text()
    assert "<svg" in bad and "violated" in bad and 'class="c-declaration">requirement' in bad
    good = (folder / "site" / "spec" / "good.html").read_text()
    assert "<svg" not in good


def test_pages_say_what_their_verdicts_rest_on(mmcheck: Run, folder: Path) -> None:
    cited = BROKEN.replace("requirement seen {", 'requirement seen { cites "VirtIO 1.2, 2.7.13.3.1"\n')
    (folder / "bad.litmus").write_text(cited)
    mmcheck("doc", "bad.litmus", "-o", "site", "--bound", "3", "--target", "x86-tso", "--target", "armv8+lse", "-q")
    mmcheck("doc", "good.litmus", "-o", "plain", "-q")
    page = (folder / "site" / "spec" / "bad.html").read_text()
    assert "Armv8-A, application level, as of" in page and "x86-TSO" in page
    assert "Loops run up to 3 rounds; no loop was cut." in page
    clauses = (folder / "site" / "clauses.html").read_text()
    left = clauses.partition("Ordering clauses that no requirement cites")[2]
    assert "<li>2.7.13.4.1: " in left and "2.7.13.3.1" not in left
    assert "no requirement cites" not in (folder / "plain" / "clauses.html").read_text()


def test_the_same_again(mmcheck: Run, folder: Path) -> None:
    mmcheck("doc", ".", "-o", "one", "-q")
    mmcheck("doc", ".", "-o", "two", "-q", "--no-cache")
    for path in (folder / "one").rglob("*.html"):
        other = folder / "two" / path.relative_to(folder / "one")
        assert other.read_text() == path.read_text()


def test_our_own_specifications(mmcheck: Run, folder: Path) -> None:
    shutil.copytree(ROOT / "specs", folder / "specs")
    outcome = mmcheck("doc", "specs/submit-minimal.litmus", "-o", "site")
    assert outcome.code == 0
    pages = read(folder / "site")
    assert dead_links(pages) == []
    matrix = (folder / "site" / "clauses.html").read_text()
    assert ("VirtIO 1.2, 2.7.13.3.1" in matrix and "updating idx" in matrix.lower()) or "2.7.13.3.1" in matrix
    assert "without the barrier" in (folder / "site" / "programs.html").read_text()


def test_drivers_come_first(mmcheck: Run, folder: Path) -> None:
    (folder / "drivers").mkdir()
    text = (
        BROKEN.replace("message passing", "a driver") + 'variant "repaired" { add fence(release) after writer.first }\n'
    )
    (folder / "drivers" / "one.litmus").write_text(text.replace("  data = 1", "  first: data = 1"))
    mmcheck("doc", "good.litmus", "drivers", "-o", "site", "-q")
    page = (folder / "site" / "programs.html").read_text()
    assert page.index("Drivers and devices") < page.index("a driver") < page.index("Other programs")
    assert "“repaired”" in page
    assert dead_links(read(folder / "site")) == []


def test_an_empty_folder(mmcheck: Run, folder: Path) -> None:
    (folder / "empty").mkdir()
    assert mmcheck("doc", "empty", "-o", "site").code == 2
    assert dead_links(read(folder / "site")) == []


def test_a_broken_file_has_a_page(mmcheck: Run, folder: Path) -> None:
    (folder / "ugly.litmus").write_text("spec 'x\n")
    outcome = mmcheck("doc", "ugly.litmus", "missing.litmus", "-o", "site")
    assert outcome.code == 2
    assert "ugly.litmus:1:" in outcome.err and "missing.litmus" in outcome.err
    assert "could not be checked" in (folder / "site" / "index.html").read_text()


def test_names_that_fall_together(mmcheck: Run, folder: Path) -> None:
    for name in ("a b", "a-b", "A-B"):
        (folder / f"{name}.litmus").write_text(MESSAGE)
    mmcheck("doc", "a b.litmus", "a-b.litmus", "A-B.litmus", "-o", "site")
    assert len(list((folder / "site" / "spec").iterdir())) == 3
    assert dead_links(read(folder / "site")) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_inert(mmcheck: Run, folder: Path, text: str) -> None:
    spec = BROKEN.replace("message passing", text).replace(
        "requirement seen {", f'requirement seen {{ cites "{text}"\n'
    )
    spec = spec.replace("a reader that sees the flag sees the data", text)
    spec += f'// {text}\nvariant "{text}" {{ says "{text}" }}\n'
    (folder / "hostile.litmus").write_text(spec, encoding="utf-8")
    outcome = mmcheck("doc", "hostile.litmus", "-o", "site")
    assert outcome.code == 1, outcome.err
    for path, page in read(folder / "site").items():
        assert not page.tags & {"script", "iframe", "link", "img", "object", "embed"}, path
        assert page.handlers == []
        assert not set(page.text) & set("\u202e\u2066\u200f\u061c\x00\x1b")
        assert len(page.text) < 400_000
    assert dead_links(read(folder / "site")) == []


BROWSER = which("chromium") or which("chromium-browser") or which("google-chrome")


PROBE = """<script>
window.onload = () => {
  const all = [...document.querySelectorAll("body *")];
  const scrolls = (each) => getComputedStyle(each).overflowX === "auto" && each.scrollWidth > each.clientWidth;
  parent.postMessage({
    page: document.title,
    wide: document.documentElement.scrollWidth, inner: innerWidth,
    colour: getComputedStyle(document.body).backgroundColor,
    pictures: document.querySelectorAll("svg").length,
    first: document.querySelector("a[href], button, [tabindex='0']").className,
    stuck: all.filter((each) => scrolls(each) && each.tabIndex < 0).map((each) => each.outerHTML.slice(0, 80)),
    small: all.filter((each) => each.checkVisibility() && parseFloat(getComputedStyle(each).fontSize) < 11
                      && !each.closest("svg")).length,
  }, "*");
};
</script>"""
"""What a page says of itself: is anything wider than it, can all that scrolls be reached by keyboard, is it legible?"""

FRAMES = """<!DOCTYPE html><title>none</title><body><script>
const heard = [];
onmessage = (event) => {{
  heard.push(event.data);
  if (heard.length === {count}) document.title = JSON.stringify(heard);
}};
</script>{frames}</body>"""
"""A browser's window cannot be as narrow as a phone; a frame can."""


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (360, "light"), (360, "dark")])
def test_in_a_browser(mmcheck: Run, folder: Path, width: int, scheme: str) -> None:
    """Pages are laid out in both schemes; at a phone's width nothing but what scrolls by itself is wider than they."""
    assert BROWSER is not None, "there is no Chromium here"
    mmcheck("doc", "bad.litmus", "good.litmus", "-o", "site", "-q")
    pages = [folder / "site" / name for name in ("index.html", "programs.html", "clauses.html", "spec/bad.html")]
    for page in pages:
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text())
        page.write_text(text.replace("</body>", f"{PROBE}</body>"))
    frames = "".join(f'<iframe src="file://{page}" width="{width}" height="800"></iframe>' for page in pages)
    (folder / "frames.html").write_text(FRAMES.format(count=len(pages), frames=frames))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,900", "--dump-dom"]
    options += ["--virtual-time-budget=20000", f"--user-data-dir={folder / 'profile'}"]
    if scheme == "dark":
        options.append("--blink-settings=preferredColorScheme=0")
    url = f"file://{folder / 'frames.html'}"
    done = subprocess.run([BROWSER, *options, url], capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>([^<]*)</title>", done.stdout)
    assert title is not None
    heard = json.loads(unescape(title[1]))
    assert len(heard) == len(pages)
    for page in heard:
        assert page["wide"] <= page["inner"] <= width, page
        assert page["colour"] == ("rgb(20, 24, 29)" if scheme == "dark" else "rgb(255, 255, 255)"), page
        assert page["first"] == "skip" and page["stuck"] == [] and page["small"] == 0, page
    assert sum(page["pictures"] for page in heard) == 2
