"""From the syntax of a specification to `mmcheck.ir.program.Program`: names, types, includes, variants.

The names below are loaded when they are used: a report looks clauses up here, and needs nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmcheck.language.lower.expectations import Expectation
    from mmcheck.language.lower.requirements import RequirementInfo
    from mmcheck.language.lower.spec import Spec, load_spec
    from mmcheck.language.lower.variants import VariantInfo

_HOME = {
    "Expectation": "expectations",
    "RequirementInfo": "requirements",
    "Spec": "spec",
    "VariantInfo": "variants",
    "load_spec": "spec",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"mmcheck.language.lower.{_HOME[name]}"), name)
    raise AttributeError(name)


__all__ = ["Expectation", "RequirementInfo", "Spec", "VariantInfo", "load_spec"]
