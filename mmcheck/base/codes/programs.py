"""Codes of programs and bounds, and of what is wrong inside: 5xx and 9xx."""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "MM501": (
        "recursion",
        "A function calls itself, directly or through others. Functions are expanded where they are called.",
    ),
    "MM502": (
        "program too large",
        "The program unfolds to too many events or instructions. Use a smaller bound, fewer rounds or a"
        " smaller structure.",
    ),
    "MM503": (
        "unknown label",
        "A jump names a label that does not stand in its thread.",
    ),
    "MM504": (
        "jump into a loop",
        "A jump leads into the middle of a loop from outside; such a loop cannot be unrolled.",
    ),
    "MM505": (
        "access outside every variable",
        "In some run that the model allows an access goes to an address where no variable stands: a pointer"
        " is still null, or an index is past the end. Values read there are arbitrary; a requirement that"
        " depends on one is violated. In herd's format it is often a register without initial value.",
    ),
    "MM900": (
        "internal error",
        "Two parts of mmcheck that must agree do not. It is never your fault: please report it with the file"
        " that led to it.",
    ),
}
