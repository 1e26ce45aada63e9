"""Loops that only look are waits: `awaited` finds them in a program (see `mmcheck.polling.find`)."""

from mmcheck.polling.find import awaited, rereads

__all__ = ["awaited", "rereads"]
