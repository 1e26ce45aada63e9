"""Traces on disk: a finished run as JSON Lines, one event a line. `docs/trace-format.md` describes the format."""

from mmcheck.trace.format import Header, Trace
from mmcheck.trace.reader import read
from mmcheck.trace.writer import write

__all__ = ["Header", "Trace", "read", "write"]
