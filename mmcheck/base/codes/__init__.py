"""The register of diagnostic codes: ``code -> (title, explanation)``.

Ranges: 0 files and options, 1 syntax of specifications, 2 names and types of specifications,
3 herd's litmus formats, 4 cat models, 5 programs and bounds, 9 internal; each module has its own.
`mmcheck explain MMnnn` prints the entry; a test holds every code in use against this table.
"""

from __future__ import annotations

from mmcheck.base.codes import files, formats, names, programs, syntax

CODES: dict[str, tuple[str, str]] = {
    **files.CODES,
    **syntax.CODES,
    **names.CODES,
    **formats.CODES,
    **programs.CODES,
}
"""Every code, in the order of the numbers."""
