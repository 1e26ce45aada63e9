"""Colour on terminals: when it is wanted, and the few looks that there are."""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Stream(Protocol):
        """What of a stream decides about colour."""

        def isatty(self) -> bool: ...


_CODES = {"bad": "1;31", "good": "32", "warn": "33", "strong": "1", "dim": "2", "name": "36"}


def wanted(choice: str, stream: Stream, environ: Mapping[str, str]) -> bool:
    """Whether to write colours: `choice` (``auto``, ``always``, ``never``) beats the environment, that the terminal.

    ``NO_COLOR`` (if not empty) switches off, ``FORCE_COLOR`` and ``CLICOLOR_FORCE`` switch on, in this order.
    """
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        if environ.get(name):
            return environ[name] != "0"
    return stream.isatty() and environ.get("TERM") != "dumb"


class Paint:
    """``paint(text, look)`` is `text` in a colour, or as it is."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, look: str) -> str:
        return f"\x1b[{_CODES[look]}m{text}\x1b[0m" if self.on and look in _CODES and text else text
