"""Loops that only look are waits: `awaited` finds them in a program (see `mmcheck.ir.polling.find`)."""

from mmcheck.ir.polling.find import awaited, rereads

__all__ = ["awaited", "rereads"]
