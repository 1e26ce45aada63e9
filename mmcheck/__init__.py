"""mmcheck: are the barriers of this driver in the right places, and if not, why not?

The library is two functions. `verify` decides every requirement of specifications and of herd's litmus tests, and
returns a `mmcheck.results.Report`; `litmus` runs herd's tests as herd does, and yields one
`mmcheck.results.LitmusOutcome` each. Both are loaded when they are first asked for: importing the package loads
neither the solver nor the parser.

This module must stay readable by Pythons older than the one that mmcheck needs, even by Python 2, so that
`mmcheck.__main__` can say so; hence types in comments.
"""

import sys

from mmcheck._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmcheck.litmus import decide as litmus
    from mmcheck.verify import verify

__all__ = ["__version__", "litmus", "verify"]


class _Package(type(sys)):  # type: ignore[misc]
    """The package as a module whose `verify` and `litmus` are the functions, not the submodules of these names.

    Importing the submodule ``mmcheck.verify`` sets that attribute of the package; the properties win over it.
    """

    @property
    def verify(self):  # type: () -> object
        from mmcheck.verify import verify

        return verify

    @verify.setter
    def verify(self, module):  # type: (object) -> None
        pass

    @property
    def litmus(self):  # type: () -> object
        from mmcheck.litmus import decide

        return decide

    @litmus.setter
    def litmus(self, module):  # type: (object) -> None
        pass

    def __dir__(self):  # type: () -> list[str]
        return sorted(set(self.__dict__) | set(__all__))


if not TYPE_CHECKING and sys.version_info >= (3, 5):
    sys.modules[__name__].__class__ = _Package
