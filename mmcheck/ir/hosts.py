"""Interrupts on top of each other: an agent, the one that it interrupts, and so on down to a thread.

Of programs and of executions: what counts is the `host` of an agent, the index of the one that it interrupts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol


class Hosted(Protocol):
    """An agent of a program or of an execution."""

    @property
    def host(self) -> int | None: ...


def chain(agents: Sequence[Hosted], number: int) -> Iterator[int]:
    """The agent `number`, the one that it interrupts, and so on; nobody if the number is that of no agent (-1)."""
    at: int | None = number if number >= 0 else None
    while at is not None:
        yield at
        at = agents[at].host


def root_of(agents: Sequence[Hosted], number: int) -> int:
    """The agent at the bottom of that chain; -1 if the number is that of no agent."""
    while number >= 0 and (host := agents[number].host) is not None:
        number = host
    return number
