"""herd7's litmus formats AArch64, X86_64 and X86: text to `Program` and condition.

The names below are loaded when they are used: telling a specification from a herd test is done at every start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmcheck.language.herd.columns import is_herd_format
    from mmcheck.language.herd.read import LitmusTest, read_litmus
    from mmcheck.language.herd.show import show_state, show_value

_HOME = {
    "LitmusTest": "read",
    "is_herd_format": "columns",
    "read_litmus": "read",
    "show_state": "show",
    "show_value": "show",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"mmcheck.language.herd.{_HOME[name]}"), name)
    raise AttributeError(name)


__all__ = ["LitmusTest", "is_herd_format", "read_litmus", "show_state", "show_value"]
