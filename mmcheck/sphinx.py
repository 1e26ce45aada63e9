"""The Sphinx extension: ``extensions = ["mmcheck.sphinx"]``. See `mmcheck.interfaces.sphinx`."""

from mmcheck.interfaces.sphinx import setup

__all__ = ["setup"]
