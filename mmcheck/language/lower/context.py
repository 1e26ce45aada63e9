"""What is known of one specification on one target in one variant while it is lowered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmcheck.base.errors import Diagnostic, InputError
from mmcheck.base.records import record
from mmcheck.base.source import Span
from mmcheck.ir import parts
from mmcheck.ir import program as ir
from mmcheck.language.lower.choices import Chooser
from mmcheck.language.lower.cpus import MAX_CPU, Cpus
from mmcheck.language.lower.layout import Layout
from mmcheck.language.lower.names import Declarations, Problem, Reporter, problem
from mmcheck.language.lower.spaces import NEGOTIATED
from mmcheck.language.lower.types import Scalar, TypeTable
from mmcheck.language.lower.values import Literal, Val, Value, scalar
from mmcheck.language.lower.whole import Widths
from mmcheck.language.syntax import ast
from mmcheck.target import words
from mmcheck.target.pieces import Piece
from mmcheck.target.targets import Target


@record
class Instance:
    """A function at some argument types, by its name in the program."""

    name: str
    types: tuple[Scalar, ...]
    result: Scalar | None


class Context:
    """The declarations, and what has been made of them so far; problems go to `reporter`.

    `chooser` has the sites that are left open. `number` gives the integer that an expression is before anything runs;
    constants and types need each other, so that whoever makes a context says how.
    """

    def __init__(
        self,
        declarations: Declarations,
        target: Target,
        reporter: Reporter,
        chooser: Chooser | None,
        number: Callable[[ast.Expr], int],
    ) -> None:
        self.declarations = declarations
        self.target = target
        self.reporter = reporter
        self.chooser = chooser
        self.number = number
        self.types = TypeTable(declarations.structs, number)
        self.layout = Layout(declarations)
        self.widths = Widths()
        self.cpus = Cpus(declarations)
        self.constants: dict[str, Value] = {}
        """The declared constants that have been evaluated."""
        self.bodies: dict[str, ir.Function] = {}
        """The functions of the program, by their names there."""
        self.instances: dict[tuple[str, tuple[Scalar, ...]], Instance] = {}
        """The functions of the file at their argument types; made when first called."""
        self.lowering: list[str] = []
        """The functions whose bodies are being lowered, each called by the one before."""
        self.registers: dict[str, dict[str, Val]] = {}
        """Thread -> its registers by their names in the source."""
        self.alias: dict[str, str] = {}
        """Handler, or one of its runs -> the thread of the program that has its final state."""
        self.troubled: set[str] = set()
        """Agents with a mistake in them: not all of their registers are known."""
        self.unrolled = 0
        """Statements that `for` and `repeat` have made."""
        self._realised: dict[tuple[str, bool, tuple[str, ...]], tuple[Piece, ...]] = {}

    def reachable(self, block: ir.Block) -> Iterator[ir.Statement]:
        """Every statement that `block` may execute, in itself and in the functions it calls, once each."""
        return parts.reachable(block, self.bodies)

    def cpu(self, node: ast.Expr) -> int:
        """The number of a CPU."""
        number = self.number(node)
        if not 0 <= number <= MAX_CPU:
            raise problem("MM251", f"CPUs have the numbers 0 to {MAX_CPU}, not {number}", node.span)
        return number

    def order_platform(self) -> bool:
        """Whether the specification says that ORDER_PLATFORM is negotiated."""
        for name in NEGOTIATED:
            node = self.declarations.consts.get(name)
            if node is not None:
                with self.reporter.collect():
                    found = scalar(self.constants[name], node.name.span)
                    number = found.number if isinstance(found, Literal) else found.expr
                    if number not in (0, ir.FALSE, ir.Const(0)):
                        return True
        return False

    def realise(self, word: words.Word, orders: tuple[str, ...], span: Span) -> tuple[Piece, ...]:
        """What `word` becomes on this target; a problem at `span` if it has no such instruction."""
        method = words.METHODS.get(word.name) is word
        key = (word.name, method, orders)
        if key not in self._realised:
            names = words.ORDER_PLATFORM.get(word.name, (word.name,)) if self.order_platform() else (word.name,)
            try:
                made = [words.realise(name, orders, self.target, method=method) for name in names]
                self._realised[key] = tuple([piece for pieces in made for piece in pieces])
            except InputError as found:
                first = found.diagnostics[0]
                raise Problem(Diagnostic(first.code, first.message, first.span or span, first.help)) from found
        return self._realised[key]
