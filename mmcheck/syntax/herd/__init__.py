"""herd7's litmus formats AArch64, X86_64 and X86: text to `Program` and condition."""

from mmcheck.syntax.herd.columns import is_herd_format
from mmcheck.syntax.herd.read import LitmusTest, read_litmus
from mmcheck.syntax.herd.show import show_state, show_value

__all__ = ["LitmusTest", "is_herd_format", "read_litmus", "show_state", "show_value"]
