"""The Sphinx extension: ``extensions = ["mmcheck.sphinx"]``. See `mmcheck.integrations.sphinx`."""

from mmcheck.integrations.sphinx import setup

__all__ = ["setup"]
