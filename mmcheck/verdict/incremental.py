"""`verify` behind the cache of verdicts: only what changed is checked again.

A file's results are kept unless something in them depends on more than its key: a diagnostic on files that are not
there, an unknown verdict on the time and the memory that there were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mmcheck._version import __version__
from mmcheck.base.cache import Store
from mmcheck.base.deadline import REACHED
from mmcheck.base.errors import NO_MEMORY
from mmcheck.base.files import find_files
from mmcheck.verdict.question import Question
from mmcheck.verdict.results import FileReport, Report, Result
from mmcheck.verdict.serialization import decode, encode

_SCARCE = (REACHED, NO_MEMORY, "resource limit")
"""What the notes of a verdict say that more time or memory might change."""


def lasting(result: Result) -> bool:
    """Whether anybody would get this verdict again."""
    if result.verdict != "unknown":
        return True
    return bool(result.notes) and not any(word in note for note in result.notes for word in _SCARCE)


def every_run(_: Result) -> bool:
    return True


def surprising(result: Result) -> bool:
    """The runs that a report tells which tells no expected ones."""
    return result.as_claimed is not True


def verify(
    paths: Sequence[str | Path],
    question: Question,
    *,
    store: Store | None = None,
    runs: Callable[[Result], bool] = every_run,
    jobs: int = 1,
    on_progress: Callable[[str], None] | None = None,
) -> Report:
    """As `mmcheck.verdict.verify.verify`; of results from the cache `store` only those runs are there that `runs`
    asks for."""
    if store is None or question.dump_smt is not None:
        return _compute(paths, question, jobs, on_progress)
    found, problems = find_files(paths)
    hits: dict[str, FileReport] = {}
    solver = ""
    for path in found:
        data = store.find("file", [path], question.key)
        entry = None if data is None else decode(data, runs)
        if entry is not None and entry[0].path == path:
            hits[path], solver = entry
    missing = [path for path in found if path not in hits]
    if question.variants and missing:
        hits, missing = {}, found  # whether a variant exists at all is a question to all files together
    if not missing and not problems and found:
        return Report(tuple([hits[path] for path in found]), __version__, solver)
    report = _compute(missing or paths, question, jobs, on_progress)
    new = {file.path: file for file in report.files}
    for path in missing:
        if path in new:
            _keep(store, new[path], report.solver, question)
    store.prune()
    wrong = [FileReport(each.path, diagnostics=(each,)) for each in problems]
    both = [hits.get(path) or new.get(path) for path in found]
    files = (*wrong, *(file for file in both if file is not None))
    return Report(files, report.version, report.solver, report.interrupted)


def _compute(
    paths: Sequence[str | Path], question: Question, jobs: int, on_progress: Callable[[str], None] | None
) -> Report:
    from mmcheck.verdict.verify import answer  # what comes from the cache needs no solver

    return answer(paths, question, jobs=jobs, on_progress=on_progress)


def _keep(store: Store, file: FileReport, solver: str, question: Question) -> None:
    if not file.diagnostics and all(map(lasting, file.results)):
        store.keep("file", [file.path], question.key, file.made_of, encode(file, solver))
