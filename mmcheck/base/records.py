"""Immutable records: what ``@dataclass(frozen=True)`` gives, made in a fifth of the time.

The package has some 180 of them, and a frozen data class takes half a millisecond to make: together they were a
third of what a short run costs. Here only ``__init__`` is generated, and that when the first record is made; the other
methods are shared. Fields, defaults, ``field(...)``, keyword-only fields, inheritance and ``__post_init__`` are as in
`dataclasses`, whose `fields` and `replace` also work.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")
_set = object.__setattr__


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make `cls` an immutable record of its annotated names, those of its bases first."""
    made: Any = cls
    fields: dict[str, Field[Any]] = {}
    for base in reversed(cls.__mro__[1:]):
        fields.update(base.__dict__.get("__record_fields__", {}))
    for name in _annotations(cls):
        default = cls.__dict__.get(name, MISSING)
        entry: Field[Any] = default if isinstance(default, Field) else field(default=default)
        if isinstance(default, Field):
            if entry.default is MISSING:
                delattr(cls, name)
            else:
                setattr(cls, name, entry.default)
        entry.name = name
        fields[name] = entry
    made.__record_fields__ = fields
    made.__dataclass_fields__ = _DataclassFields()
    positional = tuple([name for name, entry in fields.items() if entry.init and entry.kw_only is not True])
    type.__setattr__(cls, "__match_args__", positional)
    made.__init__ = _later(cls, fields)
    compared = tuple([name for name, entry in fields.items() if entry.compare])
    shown = tuple([name for name, entry in fields.items() if entry.repr])
    made.__compared__ = compared
    made.__shown__ = shown
    for name, method in (("__eq__", _equal), ("__hash__", _hash), ("__repr__", _show)):
        if name not in cls.__dict__ or (name == "__hash__" and cls.__dict__[name] is None):
            setattr(cls, name, method)
    made.__setattr__ = _refuse
    made.__delattr__ = _refuse
    return cls


def _annotations(cls: type) -> dict[str, Any]:
    """The annotations of `cls` alone, as written; `inspect.get_annotations` would import `inspect`."""
    found: dict[str, Any] = vars(cls).get("__annotations__", {})
    return found


def _later(cls: type, fields: dict[str, Field[Any]]) -> Callable[..., None]:
    """A constructor that is made when the first record is: most classes have none in a run."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        made: Any = cls
        made.__init__ = _init(cls, fields)
        made.__init__(self, *args, **kwargs)

    return __init__


def _init(cls: type, fields: dict[str, Field[Any]]) -> Callable[..., None]:
    """The constructor, as the one piece of code that is generated."""
    scope: dict[str, Any] = {"_set": _set, "_missing": MISSING}
    plain: list[str] = []
    keywords: list[str] = []
    body: list[str] = []
    for name, entry in fields.items():
        if entry.default_factory is not MISSING:
            scope[f"_make_{name}"] = entry.default_factory
            value = f"_make_{name}() if {name} is _missing else {name}" if entry.init else f"_make_{name}()"
            parameter = f"{name}=_missing"
        elif entry.default is not MISSING:
            scope[f"_default_{name}"] = entry.default
            value, parameter = name if entry.init else f"_default_{name}", f"{name}=_default_{name}"
        else:
            value, parameter = name, name
        if entry.init:
            (keywords if entry.kw_only is True else plain).append(parameter)
        elif value == name:
            continue  # set by __post_init__
        body.append(f" _set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    parameters = ", ".join(["self", *plain, *(["*", *keywords] if keywords else [])])
    exec(f"def __init__({parameters}):\n" + ("\n".join(body) or " pass"), scope)
    made: Callable[..., None] = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


class _DataclassFields:
    """``__dataclass_fields__``, made when somebody asks for it."""

    def __get__(self, instance: object, owner: type) -> dict[str, Field[Any]]:
        found: dict[str, Field[Any]] = owner.__record_fields__  # type: ignore[attr-defined]
        for entry in found.values():
            entry._field_type = dataclasses._FIELD  # type: ignore[attr-defined]
        return found


def _equal(self: Any, other: Any) -> Any:
    if self is other:
        return True
    if other.__class__ is not self.__class__:
        return NotImplemented
    return all(getattr(self, name) == getattr(other, name) for name in self.__compared__)


def _hash(self: Any) -> int:
    return hash((self.__class__, *[getattr(self, name) for name in self.__compared__]))


def _show(self: Any) -> str:
    inner = ", ".join([f"{name}={getattr(self, name)!r}" for name in self.__shown__])
    return f"{self.__class__.__qualname__}({inner})"


def _refuse(self: object, name: str, value: object = None) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def fields(record: object) -> tuple[Field[Any], ...]:
    """The fields of a record or of a record class, in order."""
    entries: dict[str, Field[Any]] = record.__record_fields__  # type: ignore[attr-defined]
    return tuple(entries.values())


def replace(instance: T, /, **changes: Any) -> T:
    """A copy of a record (or of a data class) with some fields changed."""
    original: Any = instance
    for name, entry in original.__dataclass_fields__.items():
        if entry.init and name not in changes:
            changes[name] = getattr(original, name)
    return instance.__class__(**changes)
