"""The register of diagnostic codes: ``code -> (title, explanation)``, as `codes.md` has them.

`mmcheck explain MMnnn` prints the entry; a test holds every code in use against this table.
"""

from __future__ import annotations

import re
from pathlib import Path

from mmcheck.base import gate

_ENTRY = re.compile(r"^## (MM\d{3}) (.+)\n\n((?:(?!#).+\n)+)", re.MULTILINE)

CODES: dict[str, tuple[str, str]] = {
    code: (title, " ".join(text.split()))
    for code, title, text in _ENTRY.findall(gate.own(Path(__file__).with_suffix(".md")).decode())
}
"""Every code, in the order of the numbers."""
