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
from mmcheck.base.records import record
from mmcheck.verdict.results import FileReport, Report, Result
from mmcheck.verdict.stored import decode, encode


@record
class Question:
    """The parameters of `mmcheck.verdict.verify.verify` that verdicts depend on."""

    targets: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    bound: int = 2
    timeout: float | None = None
    engine: str = "auto"
    compiler: str = "observed"

    @property
    def options(self) -> tuple[object, ...]:
        """What of it goes into a key."""
        return (self.targets, self.variants, self.bound, self.timeout, self.engine, self.compiler)


ANY = Question()
"""The files' own targets and all their variants."""


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
    question: Question = ANY,
    *,
    store: Store | None = None,
    runs: Callable[[Result], bool] = every_run,
    jobs: int = 1,
    dump_smt: Path | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Report:
    """As `mmcheck.verdict.verify.verify`; of results from the cache `store` only those runs are there that `runs`
    asks for."""
    if store is None or dump_smt is not None:
        return _compute(paths, question, jobs, dump_smt, on_progress)
    found, problems = find_files(paths)
    hits: dict[str, FileReport] = {}
    solver = ""
    for path in found:
        data = store.find("file", [path], question.options)
        entry = None if data is None else decode(data, runs)
        if entry is not None and entry[0].path == path:
            hits[path], solver = entry
    missing = [path for path in found if path not in hits]
    if question.variants and missing:
        hits, missing = {}, found  # whether a variant exists at all is a question to all files together
    if not missing and not problems and found:
        return Report(tuple([hits[path] for path in found]), __version__, solver)
    report = _compute(missing or paths, question, jobs, dump_smt, on_progress)
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
    paths: Sequence[str | Path],
    question: Question,
    jobs: int,
    dump_smt: Path | None,
    on_progress: Callable[[str], None] | None,
) -> Report:
    from mmcheck.verdict.verify import verify as check

    return check(
        paths,
        targets=question.targets,
        variants=question.variants,
        bound=question.bound,
        timeout=question.timeout,
        jobs=jobs,
        engine=question.engine,
        compiler=question.compiler,
        dump_smt=dump_smt,
        on_progress=on_progress,
    )


def _keep(store: Store, file: FileReport, solver: str, question: Question) -> None:
    if not file.diagnostics and all(map(lasting, file.results)):
        store.keep("file", [file.path], question.options, file.made_of, encode(file, solver))
