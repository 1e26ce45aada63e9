"""The enumerator: every run of a program, one after the other; the reference semantics, without a solver."""
