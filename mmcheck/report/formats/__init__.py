"""The formats of ``mmcheck verify``: each module in this folder is one, and has a `FORMAT` (`mmcheck.report.looks`)."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmcheck.report.looks import Format

_FOLDER = os.path.dirname(__file__)
NAMES = tuple(sorted([name[:-3] for name in os.listdir(_FOLDER) if name[0] != "_" and name.endswith(".py")]))
"""The formats that there are."""


def load(name: str) -> Format:
    """The format called `name`, one of `NAMES`."""
    from importlib import import_module

    found: Format = import_module(f"{__name__}.{name}").FORMAT
    return found
