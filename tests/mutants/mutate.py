"""Wrong memory models, made from the right ones: one small change to one clause of a cat file each.

A clause is an operand of a union, at the top of a definition. It is dropped; each filter of its sequences is dropped,
widened and narrowed; each name is replaced by one that is easily taken for it; closures and differences lose their
marks. `EXTRA` adds clauses that models have had by mistake. What comes out as the same expression is no mutant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from mmcheck.base.source import SourceFile, Span
from mmcheck.model import cat_syntax as cat
from mmcheck.model.model import Model, model_from_text
from mmcheck.target.targets import models
from tests.mutants.shared import SHARED

MODELS = ("sc", "x86-tso", "armv8")

PLATFORM = {"fence-ob", "device-bob", "exempt", "raised", "iob", "io-bob", "uncached"}
"""Definitions about promises, devices and interrupts, which no litmus test has: tests/unit/semantics has theirs."""

FENCES = {f"{kind}-{what}" for kind in ("dmb", "dsb") for what in ("full", "ld", "st")}

SETS: dict[str, tuple[str, ...]] = {
    "M": ("R", "W"),
    "R": ("M", "W"),
    "W": ("M", "R"),
    "A": ("Q", "A | Q", "R"),
    "Q": (),
    "L": ("W",),
    "X": (),
    "NoRet": (),
    "ISB": ("ISB | dsb-full", "ISB | dmb-full"),
    "MFENCE": ("MFENCE | LFENCE", "MFENCE | SFENCE", "LFENCE", "SFENCE"),
    "Unlocked": ("X",),
}
"""What the name of a set is replaced by."""

for _kind in ("dmb", "dsb"):
    SETS[f"{_kind}-full"] = (f"{_kind}-full | {_kind}-ld", f"{_kind}-full | {_kind}-st")
    SETS[f"{_kind}-ld"] = (f"{_kind}-st", f"{_kind}-ld | {_kind}-st", f"{_kind}-ld | {_kind}-full")
    SETS[f"{_kind}-st"] = (f"{_kind}-ld", f"{_kind}-st | {_kind}-ld", f"{_kind}-st | {_kind}-full")

RELATIONS: dict[str, tuple[str, ...]] = {
    "rf": ("rfe", "rfi"), "rfe": ("rf",),
    "co": ("coe", "coi"), "coe": ("co",),
    "fr": ("fre", "fri"), "fre": ("fr",),
    "po": ("po-loc",), "po-loc": ("po",),
    "rmw": ("amo", "lxsx"), "amo": ("rmw", "lxsx"),
    "lrs": ("(rf & int)", "([W];po-loc;[R])"),
    "addr": ("(addr | pick-addr)", "(addr | data)"), "data": ("(data | pick-data)", "(data | addr)"),
    "ctrl": (), "pick-addr": (), "pick-data": (), "pick-ctrl": (),
    "carried": ("picked",), "picked": ("carried",),
    "all-addr": ("addr", "any-addr"), "all-data": ("data", "picked;(data | pick-data)"),
    "any-addr": ("all-addr",), "any-ctrl": ("picked;ctrl", "carried;(ctrl | pick-ctrl)", "ctrl"),
    "any-dep": ("(any-addr | any-ctrl)", "(all-addr | carried;ctrl | all-data)"),
    "obs": (), "lob": (), "pick-lob": (),
    "ppo": (), "mfence": (), "locked": (), "uncached": (), "io-bob": (),
}  # fmt: skip
"""What the name of a relation is replaced by."""

EXTRA: dict[str, tuple[tuple[str, str], ...]] = {
    "sc": (),
    "x86-tso": (
        ("ppo", "po-loc"),
        ("ppo", "po & (W * R)"),
        ("ppo", "rf & int"),
        ("mfence", "po;[LFENCE];po"),
        ("mfence", "po;[SFENCE];po"),
        ("mfence", "po;[F];po"),
        ("locked", "[Unlocked];po;[R]"),
        ("locked", "[W];po;[domain(rmw)]"),
    ),
    "armv8": (
        ("bob", "[M];po-loc;[M]"),
        ("bob", "[R];po-loc;[R]"),
        ("bob", "[W];po-loc;[R]"),
        ("bob", "rf & int"),
        ("bob", "[R];po;[W]"),
        ("bob", "[L];po;[M]"),
        ("bob", "[L];po;[W]"),
        ("bob", "[L];po;[A | Q]"),
        ("bob", "[L];po;[R]"),
        ("bob", "[M];po;[A]"),
        ("bob", "[W];po;[A]"),
        ("bob", "[M];po;[ISB];po;[M]"),
        ("bob", "[R];po;[ISB];po;[M]"),
        ("bob", "[M];po;[F];po;[M]"),
        ("bob", "[range([A];lxsx;[L])];po;[M]"),
        ("bob", "[range(amo)];po;[M]"),
        ("bob", "[M];po;[domain(amo)]"),
        ("dob", "any-ctrl"),
        ("dob", "any-addr;po"),
        ("dob", "any-ctrl;po"),
        ("dob", "all-addr;po;[W]"),
        ("dob", "all-data;po;[W]"),
        ("dob", "(picked;ctrl);[W];lrs"),
        ("dob", "any-addr"),
        ("dob", "any-addr;lrs"),
        ("dob", "any-dep;lrs"),
        ("dob", "all-data;[W];po-loc;[R]"),
        ("dob", "all-data;rfi"),
        ("aob", "[W];lrs;[A | Q]"),
        ("aob", "rmw;lrs"),
        ("aob", "rmw;po;[A | Q]"),
        ("ifb-ob", "[R];po;[ISB];po;[R]"),
        ("ifb-ob", "all-data;[W];po;[ISB];po"),
        ("lws", "[R];po-loc;[R]"),
    ),
}
"""Clauses that a model could have too many: definition, clause."""

INSTEAD: dict[str, tuple[tuple[str, str, str], ...]] = {
    "sc": (),
    "x86-tso": (),
    "armv8": (
        ("bob", "[range([A];amo;[L])];po;[M]", "po;[A];amo;[L];po"),
        ("bob", "[M];po;[dmb-full];po;[M]", "[R];po;[dmb-full];po;[M] | [M];po;[dmb-full];po;[W]"),
        ("pob", "any-dep;[W]", "(any-addr | any-ctrl);[W]"),
        ("pick-lob", "any-dep;lob;[W]", "any-dep;lob"),
    ),
}
"""Clauses in place of others: definition, clause, the one that it was in older models, or is by mistake."""

AXIOMS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "sc": (),
    "x86-tso": (),
    "armv8": (
        ("acyclic po | rf | co | fr", "external", "is SC"),
        ("empty rmw & (fr;co)", "atomic", "also forbids the thread's own writes between"),
    ),
}
"""Whole axioms in place of others."""


@dataclass(frozen=True)
class Mutant:
    """`where` is the definition or axiom; `before` the clause, ``""`` if there is none; `after` likewise."""

    base: str
    where: str
    before: str
    after: str
    model: Model

    @property
    def name(self) -> str:
        if not self.after:
            return f"{self.where}: without {self.before}"
        if not self.before:
            return f"{self.where}: and {self.after}"
        return f"{self.where}: {self.before} → {self.after}"


def text_of(base: str) -> str:
    """The cat file of a built-in model, its comments blanked out."""
    text = models()[base].read_text(encoding="utf-8")
    return re.sub(r"\(\*.*?\*\)", lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.DOTALL)


def elaborate(name: str, text: str) -> Model:
    return model_from_text(name, SourceFile(name, text))


@cache
def mutants(base: str) -> list[Mutant]:
    """The mutants of a built-in model, in the order of the file, no two with the same axioms."""
    text = text_of(base)
    file = SourceFile(base, text)
    original = elaborate(base, text)
    seen = {meaning(original)}
    out: list[Mutant] = []
    for where, before, after, changed in _changes(base, file):
        model = elaborate(f"{base} with {where}: {after}", changed)
        key = meaning(model)
        if key not in seen:
            seen.add(key)
            out.append(Mutant(base, where, before, after, model))
    return out


def meaning(model: Model) -> frozenset[tuple[str, int]]:
    """The axioms; those of two models are equal if they are the same expressions."""
    return frozenset([(kind, node.number) for kind, node in SHARED.axioms(model) if node is not SHARED.pool.empty])


def _changes(base: str, file: SourceFile) -> Iterator[tuple[str, str, str, str]]:
    """Definition, clause before, clause after, whole text."""
    text = file.text
    extra: dict[str, list[str]] = {}
    for where, clause in EXTRA[base]:
        extra.setdefault(where, []).append(clause)
    for statement in cat.parse_cat(file):
        if isinstance(statement, cat.Test):
            cut = text[: statement.span.start] + text[statement.span.end :]
            if any(isinstance(other, cat.Test) and other != statement for other in cat.parse_cat(file)):
                yield statement.name, _show(text[statement.span.start : statement.span.end]), "", cut
            for exp, name, why in AXIOMS[base]:
                if name == statement.name:
                    new = f"{exp} as {name}"
                    changed = text[: statement.span.start] + new + text[statement.span.end :]
                    yield name, _show(text[statement.span.start : statement.span.end]), f"{exp} ({why})", changed
            yield from _of_body(file, statement.name, statement.exp)
        elif isinstance(statement, cat.Let):
            for binding in statement.bindings:
                if binding.name.text in PLATFORM:
                    continue
                if binding.name.text in FENCES:
                    continue  # the classes of fences are taken as a whole, and one option after the other
                yield from _of_body(file, binding.name.text, binding.body)
                for clause in extra.get(binding.name.text, ()):
                    old = text[binding.body.span.start : binding.body.span.end]
                    yield binding.name.text, "", clause, _put(text, binding.body.span, f"({old}) | ({clause})")
            for binding in statement.bindings:
                if binding.name.text in FENCES:
                    yield from _of_body(file, binding.name.text, binding.body)
                    yield from _other_class(text, binding)


def _other_class(text: str, binding: cat.Binding) -> Iterator[tuple[str, str, str, str]]:
    """The weaker fences taken for those of another class, too."""
    name = binding.name.text
    kind, what = name.split("-")
    old = text[binding.body.span.start : binding.body.span.end]
    for other in {"full": ("LD", "ST"), "ld": ("ST",), "st": ("LD",)}[what]:
        for domain in ("", "ISH", "OSH", "NSH"):
            option = f"{kind.upper()}.{domain}{other}"
            yield name, "", option, _put(text, binding.body.span, f"{old} | {option}")


def _of_body(file: SourceFile, where: str, body: cat.Exp) -> Iterator[tuple[str, str, str, str]]:
    text = file.text
    clauses = list(_operands(body))
    for number, clause in enumerate(clauses):
        before = _show(text[clause.span.start : clause.span.end])
        others = [text[c.span.start : c.span.end] for i, c in enumerate(clauses) if i != number]
        if others and before != "uncached":
            union = " | ".join(f"({other})" for other in others)
            yield where, before, "", _put(text, _union_span(body), union)
        for name, wrong, new in INSTEAD[file.path]:
            if (name, wrong) == (where, before):
                yield where, before, new, _put(text, clause.span, f"({new})")
        for span, new in _inside(text, clause):
            inner = text[clause.span.start : span.start] + new + text[span.end : clause.span.end]
            yield where, before, _show(inner), _put(text, span, new)


def _union_span(body: cat.Exp) -> Span:
    return body.arg.span if isinstance(body, cat.Unary) and body.op == "^+" else body.span


def _operands(exp: cat.Exp) -> Iterator[cat.Exp]:
    """The operands of a union; that below a ``^+`` counts."""
    if isinstance(exp, cat.Unary) and exp.op == "^+":
        exp = exp.arg
    if isinstance(exp, cat.Binary) and exp.op == "|":
        yield from _operands(exp.left)
        yield exp.right
    else:
        yield exp


def _inside(text: str, exp: cat.Exp) -> Iterator[tuple[Span, str]]:
    """The changes to the expressions in `exp`: place, new text."""

    def of(part: cat.Exp) -> str:
        return text[part.span.start : part.span.end]

    match exp:
        case cat.Name():
            for other in (*SETS.get(exp.text, ()), *RELATIONS.get(exp.text, ())):
                yield exp.span, f"({other})" if " " in other and not other.startswith("(") else other
        case cat.Unary(op="[]"):
            yield from _inside(text, exp.arg)
        case cat.Unary():
            for new in {"^*": ("?",), "^+": ("",), "?": ("",)}.get(exp.op, ()):
                inner = of(exp.arg)
                yield exp.span, f"({inner}){new}"
            if exp.op == "?":
                yield exp.span, "id"
            yield from _inside(text, exp.arg)
        case cat.Apply():
            if exp.function.text == "range":
                yield exp.span, f"domain({of(exp.args[0])})"
            for arg in exp.args:
                yield from _inside(text, arg)
        case cat.Binary(op=";"):
            parts = list(_sequence(exp))
            for number, part in enumerate(parts):
                if isinstance(part, cat.Name) and part.text == "po":
                    continue  # what is left would order nothing, or everything
                rest = [of(other) for i, other in enumerate(parts) if i != number]
                yield exp.span, ";".join(rest)
            yield from ((exp.span, new) for new in _narrower(parts, of))
            for part in parts:
                yield from _inside(text, part)
        case cat.Binary(op="|"):
            operands = list(_operands(exp))
            for number, _ in enumerate(operands):
                rest = [of(other) for i, other in enumerate(operands) if i != number]
                yield exp.span, "(" + " | ".join(rest) + ")"
            for operand in operands:
                yield from _inside(text, operand)
        case cat.Binary():
            if exp.op != "*":
                yield exp.span, f"({of(exp.left)})"
            if exp.op == "&":
                yield exp.span, f"({of(exp.right)})"
            yield from _inside(text, exp.left)
            if exp.op != "\\":
                yield from _inside(text, exp.right)


def _narrower(parts: Sequence[cat.Exp], of: Callable[[cat.Exp], str]) -> Iterator[str]:
    """A sequence that begins or ends with ``po``, from or to some events only."""
    texts = ";".join(map(of, parts))
    if _is_po(parts[-1]):
        yield from (f"{texts};[{kind}]" for kind in ("M", "R", "W"))
    if _is_po(parts[0]):
        yield from (f"[{kind}];{texts}" for kind in ("M", "R", "W"))


def _is_po(exp: cat.Exp) -> bool:
    return isinstance(exp, cat.Name) and exp.text == "po"


def _sequence(exp: cat.Exp) -> Iterator[cat.Exp]:
    if isinstance(exp, cat.Binary) and exp.op == ";":
        yield from _sequence(exp.left)
        yield from _sequence(exp.right)
    else:
        yield exp


def _put(text: str, span: Span, new: str) -> str:
    return text[: span.start] + new + text[span.end :]


def _show(text: str) -> str:
    """One line, without needless parentheses."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\[\(([^()]*)\)\]", r"[\1]", text)
    text = re.sub(r"(?<![\w.-])\(([\w.-]+)\)", r"\1", text)
    return re.sub(r"\(\(([^()]*)\)\)", r"(\1)", text)


__all__ = ["MODELS", "Mutant", "elaborate", "meaning", "mutants", "text_of"]
