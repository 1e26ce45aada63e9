"""A loaded memory model: axioms over expression nodes, and what is known about them.

`load_model` elaborates a cat file: names are resolved (an unknown one is an error, never an empty set),
functions expanded, includes read. Base relations and sets are those of `BASE_RELATIONS` and the tags
registered by the targets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from mmcheck.base import files, gate
from mmcheck.base.errors import InputError, fail
from mmcheck.base.records import record, replace
from mmcheck.base.source import SourceFile, Span
from mmcheck.model import cat_syntax as cat
from mmcheck.model.expr import Node, Pool, TooLarge, signed
from mmcheck.target import targets
from mmcheck.target.tags import SOURCE_TAGS
from mmcheck.target.targets import hardware_tags, models

OURS = frozenset({Path(__file__).parent, Path(targets.__file__).parent})
"""The folders of the cat files that ship: models beside their targets, the tables of compilers here."""

BASE_SETS = ("R", "W", "F", "M", "IW", "REG", "IRQ", "IO")
"""``REG``: accesses of CPUs to registers of devices. ``IRQ``: their accesses to the marks of interrupts. ``IO``: their
accesses to registers and to memory that a device sees by the platform's rules; empty unless these are asked for
(`mmcheck.events.execution.Execution.platform`)."""
BASE_RELATIONS = (
    "po", "rf", "co", "amo", "lxsx", "addr", "data", "ctrl",
    "pick-addr", "pick-data", "pick-ctrl", "loc", "int", "ext", "src", "dev",
)  # fmt: skip
"""What an execution supplies. `loc` pairs accesses of one location, `int` those of one thread and the handlers on it,
`ext` all others; `src` is the order of the source text, `dev` pairs accesses of CPUs to registers of one device; the
rest is described in `mmcheck.events.execution`."""
BESIDE = "beside"
"""A further relation for the tables of the compiler layer: two accesses that the machine can make in one instruction,
to neighbouring places (LDP, STP)."""


@record
class Axiom:
    """``kind node``: ``acyclic``, ``irreflexive`` or ``empty``; `flag` only marks executions."""

    name: str
    kind: str
    node: Node
    negated: bool = False
    flag: bool = False
    span: Span | None = None


@record
class Model:
    """A memory model. `name` is what reports print; `title` the first line of the file."""

    name: str
    title: str
    pool: Pool
    axioms: tuple[Axiom, ...]
    definitions: Mapping[str, Node] = field(repr=False, default_factory=dict)

    @cached_property
    def coherent(self) -> bool:
        """Whether some axiom is ``acyclic`` of at least ``po-loc | rf | co | fr``: SC per location."""
        return any(self._orders(axiom, "po", "po-loc") for axiom in self.axioms)

    @cached_property
    def is_sc(self) -> bool:
        """Whether some axiom is ``acyclic`` of at least ``po | rf | co | fr``: nothing is reordered."""
        return any(self._orders(axiom, "po") for axiom in self.axioms)

    @property
    def ships(self) -> bool:
        """Whether it is a model of a target. These allow every run that SC allows, and what they order beside coherence
        is of one thread, or is communication, one by one."""
        return self.name in models()

    def _orders(self, axiom: Axiom, *names: str) -> bool:
        """Whether `axiom` puts communication in one order with one of the relations `names`."""
        if axiom.kind != "acyclic" or axiom.negated or axiom.flag:
            return False
        parts = set(axiom.node.args if axiom.node.op == "union" else (axiom.node,))
        defined = self.definitions
        return {defined[name] for name in ("rf", "co", "fr")} <= parts and any(defined[name] in parts for name in names)

    @cached_property
    def beyond_coherence(self) -> tuple[Axiom, ...]:
        """The axioms but for that of SC per location."""
        return tuple([axiom for axiom in self.axioms if not self.is_coherence(axiom)])

    def is_coherence(self, axiom: Axiom) -> bool:
        """Whether `axiom` is ``acyclic po-loc | rf | co | fr``."""
        return self._orders(axiom, "po-loc") and len(axiom.node.args) == 4

    def negative(self, names: frozenset[str]) -> Span | None:
        """Where the first axiom stands that has one of the base names `names` in a negative place, if one has."""
        for axiom in self.axioms:
            found = self._polarities((axiom,))
            if any(-1 in found.get(name, ()) for name in names):
                return axiom.span
        return None

    def polarities(self) -> Mapping[str, set[int]]:
        """For each base name, in which polarity it occurs in the axioms: +1, -1.

        ``po-loc`` next to ``[W]`` under a difference is not counted: the compiler layer keeps accesses of one
        location in order if one of them writes (docs/compiler.md), so it is the same in every order.
        """
        return self._polarities(self.axioms)

    def _polarities(self, axioms: tuple[Axiom, ...]) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        po_loc, writes = self.definitions["po-loc"], self.definitions["W"]
        roots = [(axiom.node, -1 if axiom.negated else 1) for axiom in axioms]
        for node, sign in signed(roots, lambda node, sign: sign < 0 and _is_write_chain(node, po_loc, writes)):
            if node.op in ("set", "rel"):
                found.setdefault(node.name, set()).add(sign)
        return found


def with_turns(model: Model) -> Model:
    """`model` for executions in which threads share a CPU: a change of thread is a full barrier, so what it separates
    (the relation ``switch``) is in order wherever the model demands an order."""
    axioms = [
        replace(axiom, node=model.pool.union(axiom.node, model.pool.rel("switch")))
        if axiom.kind == "acyclic" and not axiom.negated and not axiom.flag and not model.is_coherence(axiom)
        else axiom
        for axiom in model.axioms
    ]
    return replace(model, axioms=tuple(axioms))


def sequential(model: Model) -> Model:
    """Sequential consistency, of runs that `model` allows: for "is it the algorithm or the memory model?"."""
    if model.ships:
        return load_model("sc")  # weaker than which they all are
    steps = [model.pool.rel(name) for name in ("po", "rf", "co")]
    order = model.pool.union(*steps, model.definitions["fr"])
    return replace(model, axioms=(*model.axioms, Axiom("sequential", "acyclic", order)))


def _is_write_chain(node: Node, po_loc: Node, writes: Node) -> bool:
    """``po-loc;[W];po-loc``."""
    if node.op != "seq" or node.args[0] is not po_loc:
        return False
    rest = node.args[1]
    return rest.op == "seq" and rest.args[0].op == "ident" and rest.args[0].args[0] is writes and rest.args[1] is po_loc


MAX_RECURSIVE = 50
"""Names of one ``let rec``."""
MAX_VISITS = 100_000
"""Expressions that are elaborated, each as often as its function is applied."""
MAX_DEPTH = 200
"""How deep they stand in one another, through functions."""


class _Elaborator:
    def __init__(self, relations: Iterable[str]) -> None:
        """`relations` are the base relations."""
        self.pool = Pool()
        self.scope: dict[str, Node | cat.Binding] = {}
        self.axioms: list[Axiom] = []
        self.title = ""
        self.included: list[Path] = []
        self.reading: list[Path] = []
        """The files that are being read, outermost first."""
        self.visits = 0
        self.depth = 0
        self.base(relations)

    def base(self, relations: Iterable[str]) -> None:
        pool, scope = self.pool, self.scope
        for name in (*BASE_SETS, *hardware_tags(), *SOURCE_TAGS):
            scope[name] = pool.set(name)
        for name in relations:
            scope[name] = pool.rel(name)
        rel = pool.rel
        scope["_"] = pool.all
        scope["id"] = pool.id
        scope["emptyset"] = pool.none
        scope["rmw"] = pool.union(rel("amo"), rel("lxsx"))
        scope["po-loc"] = pool.inter(rel("po"), rel("loc"))
        scope["fr"] = pool.seq(pool.inverse(rel("rf")), rel("co"))
        for name in ("rf", "co", "fr"):
            node = scope[name]
            assert isinstance(node, Node)
            scope[f"{name}i"] = pool.inter(node, rel("int"))
            scope[f"{name}e"] = pool.inter(node, rel("ext"))

    def file(self, file: SourceFile, path: Path | None) -> None:
        self.reading.append(path.resolve() if path is not None else Path())
        for statement in cat.parse_cat(file):
            self.depth = 0
            try:
                self.statement(statement, path)
            except TooLarge as error:
                assert isinstance(statement, cat.Let | cat.Test)
                span = statement.bindings[0].name.span if isinstance(statement, cat.Let) else statement.span
                raise fail("MM412", f"this model is too large: {error}", span) from None
        self.reading.pop()

    def statement(self, statement: cat.Statement, path: Path | None) -> None:
        match statement:
            case cat.Title(text=text):
                self.title = self.title or text
            case cat.Let():
                self.let(statement.bindings, statement.recursive)
            case cat.Test():
                self.test(statement)
            case cat.Include():
                self.include(statement, path)

    def include(self, statement: cat.Include, path: Path | None) -> None:
        target = (path.parent if path is not None else Path()) / statement.path
        if ".." in Path(statement.path).parts or Path(statement.path).is_absolute():
            raise fail("MM407", "a model includes only files below its own folder", statement.span)
        folder = (path.parent if path is not None else Path()).resolve()
        if target.resolve() in self.reading:
            raise fail("MM407", f"{statement.path!r} includes itself, directly or through others", statement.span)
        if target in self.included:
            return
        if len(self.included) > 20:
            raise fail("MM407", "too many includes", statement.span)
        self.included.append(target)
        try:
            # A model of ours includes one of ours, wherever the installation keeps it.
            ours = path is not None and path.parent in OURS
            data = gate.own(target) if ours else gate.read(target, root=str(folder))
        except (OSError, ValueError) as error:
            message = f"cannot read {statement.path!r}: {files.reason(error)}"
            raise fail("MM407", message, statement.span) from None
        self.file(files.text_of(target, data), target)

    def let(self, bindings: tuple[cat.Binding, ...], recursive: bool) -> None:
        if not recursive:
            for binding in bindings:
                self.scope[binding.name.text] = binding if binding.params is not None else self.node(binding.body)
            return
        if len(bindings) > MAX_RECURSIVE:
            raise TooLarge(f"more than {MAX_RECURSIVE} names are defined by each other")
        variables = [self.pool.rec(binding.name.text) for binding in bindings]
        for binding, variable in zip(bindings, variables, strict=True):
            self.scope[binding.name.text] = variable
        for binding, variable in zip(bindings, variables, strict=True):
            variable.body = self.node(binding.body)
        for binding, variable in zip(bindings, variables, strict=True):
            assert variable.body is not None
            self.positive(variable.body, binding.name.span)

    def positive(self, root: Node, span: Span, sign: int = 1) -> None:
        """A recursion has a least solution only if it does not use its variables negatively, as under ``\\``; and
        the solver's is the least only where models use it positively."""
        for node, its in signed([(root, sign)]):
            if node.op == "rec" and its < 0:
                help = "leave out what is right of '\\' or under '~'"
                raise fail("MM411", "a recursive definition may only be used positively", span, help=help)

    def test(self, test: cat.Test) -> None:
        node, kind = self.node(test.exp), test.kind
        if node.is_set and kind != "empty":
            raise fail("MM406", f"{kind} needs a relation, this is a set", test.span)
        if kind == "irreflexive" and node.op == "plus":
            kind = "acyclic"
        if kind == "acyclic":
            stripped = self.pool.plus(node)
            node = stripped.args[0] if stripped.op == "plus" else stripped
        if test.negated and kind == "acyclic" and not test.flag:
            raise fail(
                "MM409", "a model that demands a cycle is not supported", test.span, help="forbid cycles: drop '~'"
            )
        if not test.flag:
            self.positive(node, test.span, -1 if test.negated else 1)
        self.axioms.append(Axiom(test.name, kind, node, test.negated, test.flag, test.span))

    def node(self, exp: cat.Exp) -> Node:
        self.visits += 1
        self.depth += 1
        if self.visits > MAX_VISITS or self.depth > MAX_DEPTH:
            raise TooLarge("functions of functions of functions ...")
        made = self.made(exp)
        self.depth -= 1
        return made

    def made(self, exp: cat.Exp) -> Node:
        pool = self.pool
        match exp:
            case cat.Empty():
                return pool.empty
            case cat.Name():
                value = self.lookup(exp)
                if isinstance(value, cat.Binding):
                    raise fail("MM406", f"{exp.text!r} is a function and needs arguments", exp.span)
                return value
            case cat.Apply():
                return self.apply(exp)
            case cat.LetIn():
                saved = dict(self.scope)
                self.let(exp.bindings, exp.recursive)
                result = self.node(exp.body)
                self.scope = saved
                return result
            case cat.Unary():
                arg = self.node(exp.arg)
                if exp.op == "[]":
                    return pool.ident(self.need(arg, "set", exp.arg))
                if exp.op == "~":
                    return pool.diff(pool.all if arg.is_set else pool.product(pool.all, pool.all), arg)
                self.need(arg, "relation", exp.arg)
                match exp.op:
                    case "?":
                        return pool.union(arg, pool.id)
                    case "^+":
                        return pool.plus(arg)
                    case "^*":
                        return pool.union(pool.plus(arg), pool.id)
                return pool.inverse(arg)
        spine = [exp]  # a long chain of operators leans to the left
        while isinstance(spine[-1].left, cat.Binary):
            spine.append(spine[-1].left)
        left = self.node(spine[-1].left)
        for one in reversed(spine):
            left = self.binary(one, left, self.node(one.right))
        return left

    def binary(self, exp: cat.Binary, left: Node, right: Node) -> Node:
        pool = self.pool
        if exp.op == "*":
            return pool.product(self.need(left, "set", exp.left), self.need(right, "set", exp.right))
        if exp.op == ";":
            return pool.seq(self.need(left, "relation", exp.left), self.need(right, "relation", exp.right))
        # 0 and {} are both the empty set and the empty relation.
        if left is pool.empty and right.is_set:
            left = pool.none
        if right is pool.empty and left.is_set:
            right = pool.none
        if left.is_set != right.is_set:
            raise fail("MM406", f"{exp.op!r} mixes a set and a relation", exp.span)
        if exp.op == "|":
            return pool.union(left, right)
        return pool.inter(left, right) if exp.op == "&" else pool.diff(left, right)

    def need(self, node: Node, what: str, exp: cat.Exp) -> Node:
        if what == "set" and node is self.pool.empty:
            return self.pool.none
        if node.is_set != (what == "set"):
            raise fail("MM406", f"expected a {what}, this is a {'set' if node.is_set else 'relation'}", exp.span)
        return node

    def apply(self, exp: cat.Apply) -> Node:
        name = exp.function.text
        if name in ("domain", "range") and name not in self.scope and len(exp.args) == 1:
            arg = self.need(self.node(exp.args[0]), "relation", exp.args[0])
            return self.pool.domain(arg) if name == "domain" else self.pool.range(arg)
        function = self.lookup(exp.function)
        if not isinstance(function, cat.Binding):
            raise fail("MM406", f"{name!r} is not a function", exp.function.span)
        params = function.params or ()
        if len(params) != len(exp.args):
            raise fail("MM406", f"{name!r} takes {len(params)} arguments, not {len(exp.args)}", exp.span)
        values = [self.node(arg) for arg in exp.args]
        saved = {each: self.scope[each] for each in (*params, name) if each in self.scope}
        self.scope.update(zip(params, values, strict=True))
        del self.scope[name]  # a function is not recursive
        result = self.node(function.body)
        for each in params:
            self.scope.pop(each, None)
        self.scope.update(saved)
        return result

    def lookup(self, name: cat.Name) -> Node | cat.Binding:
        value = self.scope.get(name.text)
        if value is None:
            near = get_close_matches(name.text[:40], list(self.scope), 1)
            help = f"did you mean {near[0]!r}?" if near else ""
            raise fail("MM405", f"no set or relation is called {name.text!r}", name.span, help=help)
        return value


def model_from_text(name: str, file: SourceFile, path: Path | None = None) -> Model:
    """Elaborate the cat text `file`, a table of the compiler layer if it is called ``keep:``. Raises `InputError` with
    a span."""
    layer = name.startswith("keep:")
    elaborator = _Elaborator((*BASE_RELATIONS, BESIDE) if layer else BASE_RELATIONS)
    elaborator.file(file, path)
    example = "add e.g. 'acyclic po | rf | co | fr as sc'"
    if not elaborator.axioms and not layer:
        raise fail("MM408", "this model has no axiom", path=file.path, help=example)
    definitions = {key: value for key, value in elaborator.scope.items() if isinstance(value, Node)}
    return Model(name, elaborator.title or name, elaborator.pool, tuple(elaborator.axioms), definitions)


def load_model(name: str) -> Model:
    """The model called `name`: one that ships (`mmcheck.target.targets.models`), or the path of a cat file. Raises
    `InputError`.

    The same object as long as the files that it is made of are the same.
    """
    known = _loaded.get(name)
    if known is not None and gate.unchanged(known[0]):
        return known[1]
    with gate.recording() as made_of:
        model = _load(name)
    if len(_loaded) >= MOST_LOADED:
        _loaded.clear()
    _loaded[name] = made_of, model
    return model


MOST_LOADED = 32
_loaded: dict[str, tuple[Mapping[str, str | None], Model]] = {}


def _load(name: str) -> Model:
    shipped = models()
    if name in shipped:
        return model_from_text(name, SourceFile(name, gate.own(shipped[name]).decode()), shipped[name])
    if not name.endswith(".cat"):
        near = get_close_matches(name, shipped, 1)
        known = ", ".join(shipped)
        help = f"did you mean {near[0]!r}?" if near else f"models are {known}, or a path to a .cat file"
        raise fail("MM018", f"unknown model {name!r}", help=help)
    return model_from_text(name, files.read_source(name), Path(name))


__all__ = ["BASE_RELATIONS", "BASE_SETS", "Axiom", "InputError", "Model", "load_model", "model_from_text"]
