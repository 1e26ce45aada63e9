"""What all tests share: herd's suite, golden files, Hypothesis profiles, what is left out by default."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import settings

# The installed plugin makes tests of every .litmus file it meets; those below here are input of other tests.
collect_ignore_glob = ["*.litmus"]

SUITE = "MMCHECK_HERD_SUITE"
ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("default", deadline=None, max_examples=50, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

_left_out: dict[str, int] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Tests have a home of their own for what mmcheck keeps, and leave the user's alone."""
    home = tempfile.TemporaryDirectory(prefix="mmcheck-tests-")
    config.add_cleanup(home.cleanup)
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        os.environ[variable] = os.path.join(home.name, variable)
    for variable in ("MMCHECK_CACHE_DIR", "MMCHECK_CACHE_KEY"):
        os.environ.pop(variable, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="accept what the tests print as the golden files")
    parser.addoption("--no-skips", action="store_true", help="a test that is skipped has failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--no-skips"):
        report.outcome, report.longrepr = "failed", f"skipped, which --no-skips forbids: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and collector.config.getoption("--no-skips"):
        report.outcome, report.longrepr = "failed", f"skipped, which --no-skips forbids: {report.longrepr}"
    return report


def _suite() -> Path | None:
    """The folder of herd's suite, if it is named and there."""
    text = os.environ.get(SUITE, "")
    return Path(text).resolve() if text and Path(text, "expected.tsv").is_file() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asked = str(config.option.markexpr)
    reasons: dict[str, Callable[[pytest.Item], bool]] = {}
    if _suite() is None:
        name = f"{SUITE} names no folder with an expected.tsv"
        reasons[name] = lambda item: _marked(item, "herd_suite") or "herd_suite" in getattr(item, "fixturenames", ())
    if "exhaustive" not in asked:
        reasons["exhaustive; run them with -m exhaustive"] = lambda item: _marked(item, "exhaustive")
    if "compilers" not in asked:
        reasons["with real compilers; run them with -m compilers"] = lambda item: _marked(item, "compilers")
    if "browser" not in asked:
        reasons["in a real browser; run them with -m browser"] = lambda item: _marked(item, "browser")
    dropped = []
    for item in items:
        reason = next((reason for reason, applies in reasons.items() if applies(item)), None)
        if reason is not None:
            dropped.append(item)
            _left_out[reason] = _left_out.get(reason, 0) + 1
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        gone = set(dropped)
        items[:] = [item for item in items if item not in gone]


def _marked(item: pytest.Item, name: str) -> bool:
    return item.get_closest_marker(name) is not None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker process tells what it left out; all of them collect the same tests."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(_left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    _left_out.update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reason, count in _left_out.items():
        terminalreporter.write_line(f"left out: {count} test{'s' if count > 1 else ''} ({reason})")


@pytest.fixture(scope="session")
def herd_suite() -> Path:
    """The folder of herd's litmus tests; tests that ask for it are left out where it is missing."""
    folder = _suite()
    assert folder is not None
    return folder


Golden = Callable[[str, str], None]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """``golden(name, text)`` holds `text` against ``tests/golden/<name>``, or writes it with ``--update-golden``."""

    def check(name: str, text: str) -> None:
        path = ROOT / "tests" / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if text != expected:
            lines = difflib.unified_diff(expected.splitlines(), text.splitlines(), f"golden/{name}", "now", lineterm="")
            pytest.fail("\n".join([*lines, "accept with --update-golden"]), pytrace=False)

    return check
