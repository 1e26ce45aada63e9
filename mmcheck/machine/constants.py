"""A specification with other values of its constants: what turns a small model into a driver for a device in bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mmcheck.base.errors import fail
from mmcheck.base.source import SourceFile


def with_constants(source: SourceFile, values: Mapping[str, str], example: str) -> SourceFile:
    """`source` with these constants. Raises `InputError` if one is missing; `example` is a file that has all."""
    text = source.text
    for name, value in values.items():
        text, found = re.subn(rf"(?m)^((?:override )?const {name}\b[^=\n]*=\s*)[^\s/]+", rf"\g<1>{value}", text)
        if not found:
            message = f"{source.path} has no 'const {name}', which a driver for a device in bytes has"
            raise fail("MM062", message, path=source.path, help=f"{example} shows what is needed")
    return SourceFile(source.path, text)
