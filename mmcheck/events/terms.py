"""Hash-consed terms: symbolic values and guards of an event graph.

A term is an operator of `mmcheck.ir.program.OPS` over terms, a constant, or a symbol (the value of a read, a free
choice). Truth values have width 1; their ``and``/``or`` take any number of operands. Simplification is
for size only: dependencies are tracked beside terms, never read off them.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from mmcheck.base.deadline import Deadline
from mmcheck.ir.program import apply


class Term:
    """`op` is ``const`` (value in `payload`), ``sym`` (name in `payload`), or an operator; immutable."""

    __slots__ = ("args", "number", "op", "payload", "width")

    def __init__(self, number: int, op: str, args: tuple[Term, ...], width: int, payload: int | str) -> None:
        self.number = number
        self.op = op
        self.args = args
        self.width = width
        self.payload = payload

    @property
    def const(self) -> int | None:
        """The value of a constant, None for anything else."""
        return self.payload if self.op == "const" else None  # type: ignore[return-value]

    def __repr__(self) -> str:
        if self.op in ("const", "sym"):
            return str(self.payload)
        return f"({self.op} {' '.join(map(repr, self.args))})"


class Terms:
    """A pool of terms: equal terms are one object. `deadline` is that of the question which they are made for."""

    def __init__(self, deadline: Deadline | None = None) -> None:
        self.deadline = deadline or Deadline()
        self._table: dict[tuple[object, ...], Term] = {}
        self._negated: dict[int, Term] = {}
        self.true = self.number(1, 1)
        self.false = self.number(0, 1)

    def _make(self, op: str, args: tuple[Term, ...], width: int, payload: int | str = 0) -> Term:
        key = (op, width, payload, *[arg.number for arg in args])
        term = self._table.get(key)
        if term is None:
            number = len(self._table)
            if not number & 0x3FF:
                self.deadline.check()
            term = self._table[key] = Term(number, op, args, width, payload)
        return term

    def number(self, value: int, width: int) -> Term:
        return self._make("const", (), width, value & (1 << width) - 1)

    def symbol(self, name: str, width: int) -> Term:
        return self._make("sym", (), width, name)

    def neg(self, term: Term) -> Term:
        """Logical not."""
        if term.op == "const":
            return self.false if term.payload else self.true
        known = self._negated.get(term.number)
        if known is None:
            known = term.args[0] if term.op == "not" else self._make("not", (term,), 1)
            self._negated[term.number] = known
        return known

    def conj(self, terms: Iterable[Term]) -> Term:
        """Logical and of any number of truth values."""
        flat: dict[int, Term] = {}
        for term in terms:
            for part in term.args if term.op == "and" else (term,):
                if part is self.false or self.neg(part).number in flat:
                    return self.false
                if part is not self.true:
                    flat[part.number] = part
        if not flat:
            return self.true
        if len(flat) == 1:
            return next(iter(flat.values()))
        for number in list(flat):  # a & (a | b) = a;  a & (~a | b) = a & b
            inner = flat.get(number)
            if inner is not None and inner.op == "or":
                if any(arg.number in flat for arg in inner.args):
                    del flat[number]
                else:
                    rest = [arg for arg in inner.args if self.neg(arg).number not in flat]
                    if len(rest) < len(inner.args):
                        del flat[number]
                        return self.conj([*flat.values(), self.disj(rest)])
        if len(flat) == 1:
            return next(iter(flat.values()))
        return self._make("and", tuple(flat[number] for number in sorted(flat)), 1)

    def disj(self, terms: Iterable[Term]) -> Term:
        """Logical or of any number of truth values."""
        flat: dict[int, Term] = {}
        for term in terms:
            for part in term.args if term.op == "or" else (term,):
                if part is self.true or self.neg(part).number in flat:
                    return self.true
                if part is not self.false:
                    flat[part.number] = part
        if not flat:
            return self.false
        if len(flat) == 1:
            return next(iter(flat.values()))
        common = self._factor(list(flat.values()))
        if common is not None:
            return common
        return self._make("or", tuple(flat[number] for number in sorted(flat)), 1)

    def _factor(self, parts: list[Term]) -> Term | None:
        """``g&a | g&b`` as ``g & (a | b)``: guards of the arms of one branch join to the branch's own."""
        sets = [{arg.number: arg for arg in (part.args if part.op == "and" else (part,))} for part in parts]
        common = set(sets[0]).intersection(*sets[1:])
        if not common:
            return None
        shared = [sets[0][number] for number in common]
        rest = [self.conj([arg for number, arg in one.items() if number not in common]) for one in sets]
        return self.conj([*shared, self.disj(rest)])

    def select(self, cond: Term, then: Term, other: Term) -> Term:
        if cond is self.true or then is other:
            return then
        if cond is self.false:
            return other
        if then.width == 1:
            return self.disj([self.conj([cond, then]), self.conj([self.neg(cond), other])])
        if cond.op == "not":
            return self.select(cond.args[0], other, then)
        return self._make("select", (cond, then, other), then.width)

    def op(self, op: str, args: tuple[Term, ...], width: int) -> Term:
        """Any operator of `mmcheck.ir.program.OPS`, simplified."""
        if width == 1 and args[0].width == 1:
            match op:
                case "and":
                    return self.conj(args)
                case "or":
                    return self.disj(args)
                case "not":
                    return self.neg(args[0])
                case "select":
                    return self.select(*args)
        if op == "select":
            return self.select(*args)
        values = [arg.payload for arg in args if arg.op == "const"]
        if len(values) == len(args):
            numbers = tuple([value for value in values if isinstance(value, int)])
            return self.number(apply(op, numbers, tuple([arg.width for arg in args]), width), width)
        a = args[0]
        b = args[1] if len(args) > 1 else a
        match op:
            case "zext" | "trunc" | "sext" if a.width == width:
                return a
            case "trunc" | "zext" if a.op == "zext" and a.args[0].width <= width:
                return self.op("zext", a.args, width)
            case "xor" | "sub" if a is b:
                return self.number(0, width)
            case "and" | "or" if a is b:
                return a
            case "eq" | "ule" | "sle" if a is b:
                return self.true
            case "ne" | "ult" | "slt" if a is b:
                return self.false
            case "ne":
                return self.neg(self.op("eq", args, 1))
            case "add" | "or" | "xor" | "sub" if b.const == 0:
                return a
            case "add" | "or" | "xor" if a.const == 0:
                return b
            case "and" | "mul" if a.const == 0 or b.const == 0:
                return self.number(0, width)
            case "sub" if b.const is not None:
                return self.op("add", (a, self.number(-b.const, width)), width)
            case "add":
                if a.op == "const":
                    a, b = b, a
                if b.const is not None and a.op == "add" and a.args[1].const is not None:
                    return self.op("add", (a.args[0], self.number(a.args[1].const + b.const, width)), width)
                return self._make("add", (a, b), width)
            case "eq":
                return self._equal(a, b)
        return self._make(op, args, width)

    def substitute(
        self, roots: Iterable[Term], values: Mapping[str, Term], made: dict[int, Term] | None = None
    ) -> list[Term]:
        """`roots` with `values` for the symbols that they name; `made` remembers what became of each node."""
        roots = list(roots)
        made = {} if made is None else made
        for node in walk(roots, made):
            if node.op == "sym":
                made[node.number] = values.get(str(node.payload), node)
            else:
                made[node.number] = self.rebuilt(node, made)
        return [made[root.number] for root in roots]

    def rebuilt(self, node: Term, made: Mapping[int, Term]) -> Term:
        """`node` over what `made` has in place of its operands, by number; an operand that it lacks stays."""
        args = tuple([made.get(arg.number, arg) for arg in node.args])
        if all(new is old for new, old in zip(args, node.args, strict=True)):
            return node
        if node.width == 1 and node.op in ("and", "or"):
            return self.conj(args) if node.op == "and" else self.disj(args)
        return self.op(node.op, args, node.width)

    def _equal(self, a: Term, b: Term) -> Term:
        if a.op == "const":
            a, b = b, a
        if b.const is not None:
            if a.const is not None:
                return self.true if a.const == b.const else self.false
            if a.width == 1:
                return a if b.const else self.neg(a)
            if a.op == "add" and a.args[1].const is not None:
                return self._equal(a.args[0], self.number(b.const - a.args[1].const, a.width))
            if a.op == "zext":
                inner = a.args[0]
                if b.const >> inner.width:
                    return self.false
                return self._equal(inner, self.number(b.const, inner.width))
            if a.op == "select" and a.args[1].const is not None and a.args[2].const is not None:
                return self.select(a.args[0], self._equal(a.args[1], b), self._equal(a.args[2], b))
        elif a.number > b.number:
            a, b = b, a
        return self._make("eq", (a, b), 1)


def symbols_of(roots: Iterable[Term]) -> set[str]:
    """The names of all symbols below `roots`."""
    return {str(term.payload) for term in walk(roots) if term.op == "sym"}


def walk(roots: Iterable[Term], known: Container[int] = ()) -> Iterator[Term]:
    """Every term below `roots` once, operands first; nothing whose number is `known`."""
    seen: set[int] = set()
    stack = [(root, False) for root in roots if root.number not in known]
    while stack:
        term, done = stack.pop()
        if done:
            yield term
        elif term.number not in seen:
            seen.add(term.number)
            stack.append((term, True))
            stack += [(arg, False) for arg in term.args if arg.number not in seen and arg.number not in known]


def value_of(term: Term, symbols: Mapping[str, int], memo: dict[int, int] | None = None) -> int:
    """The value of `term` where symbols have these values (0 if missing)."""
    memo = {} if memo is None else memo
    evaluate((node for node in walk([term]) if node.number not in memo), symbols, memo)
    return memo[term.number]


def evaluate(nodes: Iterable[Term], symbols: Mapping[str, int], memo: dict[int, int]) -> None:
    """Put the value of each of `nodes` into `memo`, by its number; what is below one is there already, or before it."""
    for node in nodes:
        if node.op == "const":
            memo[node.number] = int(node.payload)
        elif node.op == "sym":
            memo[node.number] = symbols.get(str(node.payload), 0)
        elif node.op == "and" and node.width == 1:
            memo[node.number] = int(all(memo[arg.number] for arg in node.args))
        elif node.op == "or" and node.width == 1:
            memo[node.number] = int(any(memo[arg.number] for arg in node.args))
        else:
            values = tuple([memo[arg.number] for arg in node.args])
            memo[node.number] = apply(node.op, values, tuple([arg.width for arg in node.args]), node.width)
