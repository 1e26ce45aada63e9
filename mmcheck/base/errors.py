"""What can go wrong, as values: one root exception, diagnostics with a span and a code.

The library raises; only the command line prints and exits. Codes are registered in
`mmcheck.base.codes`, one line each, so that ``mmcheck explain MM101`` can say more.
"""

from __future__ import annotations

from collections.abc import Sequence

from mmcheck.base.records import record
from mmcheck.base.source import Span, excerpt, printable


@record
class Diagnostic:
    """One finding about an input text.

    `code` is ``MMnnn``; `message` says what is wrong in one line, in lower case, without a full
    stop; `help` is at most one suggestion. `path` names the file when there is no span.
    """

    code: str
    message: str
    span: Span | None = None
    help: str = ""
    path: str = ""
    severity: str = "error"

    def where(self) -> str:
        """``path:line:column``, or the path alone."""
        return self.span.where() if self.span is not None else self.path

    def concise(self) -> str:
        """One line: ``path:line:column: MMnnn message``."""
        place = self.where()
        text = printable(self.message) + (f" ({printable(self.help)})" if self.help else "")
        return f"{place}: {self.code} {text}" if place else f"{self.code} {text}"

    def render(self) -> str:
        """Several lines: header, place, excerpt with caret, help."""
        lines = [f"{self.severity}[{self.code}]: {printable(self.message)}"]
        if self.where():
            lines.append(f" --> {printable(self.where())}")
        if self.span is not None:
            lines.append(excerpt(self.span))
        if self.help:
            lines.append(f"  = help: {printable(self.help)}")
        return "\n".join(lines)


class MmcheckError(Exception):
    """Root of everything that mmcheck raises on purpose."""


class InputError(MmcheckError):
    """The input is not well formed; carries one or more diagnostics, in text order."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(d.concise() for d in diagnostics))
        self.diagnostics = tuple(diagnostics)


class InternalError(MmcheckError):
    """Two parts of mmcheck that must agree do not; never the user's fault."""


NO_MEMORY = "there was not enough memory"


class UnknownVerdict(MmcheckError):
    """No verdict was reached; `reason` says why (time, memory, too many candidates)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def fail(code: str, message: str, span: Span | None = None, *, help: str = "", path: str = "") -> InputError:
    """An `InputError` of one diagnostic, to be raised by the caller."""
    return InputError([Diagnostic(code, message, span, help, path)])
