"""What is asked of files: one record for the library, the commands, the cache and whoever decides."""

from __future__ import annotations

from pathlib import Path

from mmcheck.base.records import record


@record
class Question:
    """`targets` and `variants` (by title; ``base`` is the program as written): those of the file if there are none.

    `bound` is rounds of each loop, `timeout` wall seconds for each requirement. `engine` is ``smt``, ``enumerate`` or
    ``auto``; `compiler` the profile that says what a compiler keeps in order.
    """

    targets: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    bound: int = 2
    timeout: float | None = None
    engine: str = "auto"
    compiler: str = "observed"
    dump_smt: Path | None = None
    """The folder for what the solver is asked."""
    undecided: str = ""
    """Why nothing is to be decided: every verdict is unknown."""

    @property
    def key(self) -> tuple[object, ...]:
        """What of it verdicts depend on."""
        return (self.targets, self.variants, self.bound, self.timeout, self.engine, self.compiler)
