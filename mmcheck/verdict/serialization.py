"""The results of one file as bytes and back, for the cache.

The first line is JSON: everything but the runs. Each counterexample is a line of its own, so that a reader that shows
only surprises decodes only their runs. Nothing is executed on reading: only the classes of `_CLASSES` are made, and
what does not fit is refused as a whole.

A value is written by its shape: texts, numbers, truth values and None as they are, a tuple as an array, and the rest as
an object with one key: ``s`` a set, ``m`` a mapping, ``f`` a source file by its number, or the name of a class.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mmcheck.base.errors import Diagnostic
from mmcheck.base.records import fields, replace
from mmcheck.base.source import SourceFile, Span
from mmcheck.events.execution import Agent, Event, Execution
from mmcheck.ir.program import Origin
from mmcheck.verdict.results import Counterexample, FileReport, Hop, Result

_CLASSES: dict[str, type[Any]] = {
    each.__name__: each
    for each in (Agent, Counterexample, Diagnostic, Event, Execution, FileReport, Hop, Origin, Result, Span)
}
_FIELDS = {name: [field.name for field in fields(each) if field.init] for name, each in _CLASSES.items()}


def encode(report: FileReport, solver: str) -> bytes:
    """`report`, found by `solver`."""
    files: dict[SourceFile, int] = {}
    runs = {
        number: _write(result.counterexample, files)
        for number, result in enumerate(report.results)
        if result.counterexample is not None
    }
    bare = replace(report, results=tuple([replace(result, counterexample=None) for result in report.results]))
    head = {
        "solver": solver,
        "report": _write(bare, files),
        "runs": list(runs),
        "sources": [[file.path, file.text] for file in files],
    }
    return "\n".join(json.dumps(each, separators=(",", ":")) for each in (head, *runs.values())).encode()


def decode(data: bytes, shown: Callable[[Result], bool]) -> tuple[FileReport, str] | None:
    """The report and the solver's name, with the runs of those results that are `shown`; None if `data` is unfit."""
    head_line, *lines = data.split(b"\n")
    try:
        head = json.loads(head_line)
        files = [SourceFile(path, text) for path, text in head["sources"]]
        report = _read(head["report"], files)
        results = list(report.results)
        for number, line in zip(head["runs"], lines, strict=True):
            if shown(results[number]):
                results[number] = replace(results[number], counterexample=_read(json.loads(line), files))
        return replace(report, results=tuple(results)), str(head["solver"])
    except (ValueError, TypeError, LookupError, RecursionError, AttributeError):
        return None


def _write(value: Any, files: dict[SourceFile, int]) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple | list):
        return [_write(each, files) for each in value]
    if isinstance(value, frozenset):
        return {"s": [_write(each, files) for each in sorted(value)]}
    if isinstance(value, Mapping):
        return {"m": [[name, _write(each, files)] for name, each in value.items()]}
    if isinstance(value, SourceFile):
        return {"f": files.setdefault(value, len(files))}
    name = type(value).__name__
    return {name: [_write(getattr(value, field), files) for field in _FIELDS[name]]}


def _read(value: Any, files: list[SourceFile]) -> Any:
    if isinstance(value, list):
        return tuple([_read(each, files) for each in value])
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "s":
        return frozenset([_read(each, files) for each in content])
    if kind == "m":
        return {name: _read(each, files) for name, each in content}
    if kind == "f":
        return files[content]
    parts = [_read(each, files) for each in content]
    return _CLASSES[kind](**dict(zip(_FIELDS[kind], parts, strict=True)))
