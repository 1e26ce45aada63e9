"""mmcheck: are the barriers of this driver in the right places, and if not, why not?

The library is two functions. `verify` decides every requirement of specifications and of herd's litmus tests, and
returns a `mmcheck.verdict.results.Report`; `litmus` runs herd's tests as herd does, and yields one
`mmcheck.verdict.results.LitmusOutcome` each. Both are loaded when they are first asked for: importing the package
loads neither the solver nor the parser.

This module must stay readable by Pythons older than the one that mmcheck needs, even by Python 2, so that
`mmcheck.__main__` can say so; hence types in comments.
"""

from mmcheck._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmcheck.verdict.litmus import decide as litmus
    from mmcheck.verdict.verify import verify

__all__ = ["__version__", "litmus", "verify"]


def __getattr__(name):  # type: (str) -> object
    if name == "verify":
        from mmcheck.verdict.verify import verify

        return verify
    if name == "litmus":
        from mmcheck.verdict.litmus import decide

        return decide
    raise AttributeError("module 'mmcheck' has no attribute '" + name + "'")


def __dir__():  # type: () -> list[str]
    return sorted(set(globals()) | set(__all__))
