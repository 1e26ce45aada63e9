"""Traces on disk: a finished run as JSON Lines, one event a line. `docs/trace-format.md` describes the format."""

from mmcheck.events.trace.format import Header, Trace
from mmcheck.events.trace.reader import read
from mmcheck.events.trace.writer import write

__all__ = ["Header", "Trace", "read", "write"]
