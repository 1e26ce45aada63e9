"""The cat language (Alglave, Cousot, Maranget: "Syntax and semantics of the weak consistency model
specification language cat", 2016), as far as axiomatic models of plain data accesses need it.

A hand-written operator-precedence parser: the three shipped models are read at every start, in 2 ms,
where loading a general parser alone would take 50 ms.

Statements: ``let``, ``let rec … and …``, functions ``let f(a, b) = e`` and ``let f a = e``, ``include "file"``,
``acyclic | irreflexive | empty e as name``, negated by ``~``, ``flag`` in front, ``show``/``unshow`` (ignored), and
a title in quotes. Operators, loosest first: ``|``, ``;`` , ``\\``, ``&``, ``*`` (product), prefix ``~``, postfix
``^+ ^* ^-1 ? + *``.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from mmcheck.base.errors import fail
from mmcheck.base.records import record
from mmcheck.base.source import SourceFile, Span

MAX_SIZE = 200_000
MAX_DEPTH = 60


@record
class Name:
    text: str
    span: Span


@record
class Empty:
    """``0`` or ``{}``."""

    span: Span


@record
class Unary:
    """`op` is one of ``~ ? ^+ ^* ^-1 []``."""

    op: str
    arg: Exp
    span: Span


@record
class Binary:
    """`op` is one of ``| ; \\ & *``."""

    op: str
    left: Exp
    right: Exp
    span: Span


@record
class Apply:
    function: Name
    args: tuple[Exp, ...]
    span: Span


@record
class LetIn:
    bindings: tuple[Binding, ...]
    recursive: bool
    body: Exp
    span: Span


Exp: TypeAlias = Name | Empty | Unary | Binary | Apply | LetIn


@record
class Binding:
    """``name = body``, or a function if `params` is not None."""

    name: Name
    params: tuple[str, ...] | None
    body: Exp


@record
class Let:
    bindings: tuple[Binding, ...]
    recursive: bool


@record
class Test:
    """``acyclic e as name``; `negated` for ``~acyclic``, `flag` if it only marks executions."""

    kind: str
    negated: bool
    flag: bool
    exp: Exp
    name: str
    span: Span


@record
class Include:
    path: str
    span: Span


@record
class Title:
    text: str


Statement: TypeAlias = Let | Test | Include | Title

_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<comment>\(\*) | (?P<line>//[^\n]*)
      | (?P<string>"[^"\n]*") | (?P<post>\^-1|\^\+|\^\*) | (?P<name>[A-Za-z_][A-Za-z0-9_.'-]*) | (?P<zero>0|\{\})
      | (?P<op>[|;\\&*+?~()\[\],=])""",
    re.VERBOSE,
)
_KEYWORDS = {"let", "rec", "and", "in", "as", "acyclic", "irreflexive", "empty", "flag", "include", "show", "unshow"}
_TESTS = ("acyclic", "irreflexive", "empty")


@record
class _Token:
    kind: str
    text: str
    start: int
    end: int


def _tokens(file: SourceFile) -> list[_Token]:
    text = file.text
    if len(text) > MAX_SIZE:
        raise fail("MM400", f"a model of {len(text)} characters is too large", path=file.path)
    out: list[_Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            span = Span(file, position, position + 1)
            raise fail("MM401", f"{text[position]!r} has no meaning in cat", span)
        kind = match.lastgroup or ""
        end = match.end()
        if kind == "comment":
            end = _comment_end(file, position)
        elif kind not in ("space", "line"):
            word = match.group()
            out.append(_Token("keyword" if word in _KEYWORDS else kind, word, position, end))
        position = end
    out.append(_Token("end", "", len(text), len(text)))
    return out


def _comment_end(file: SourceFile, start: int) -> int:
    depth, position = 0, start
    for match in re.compile(r"\(\*|\*\)").finditer(file.text, start):
        depth += 1 if match.group() == "(*" else -1
        position = match.end()
        if depth == 0:
            return position
    raise fail("MM402", "this comment is never closed", Span(file, start, start + 2), help="close it with '*)'")


class _Parser:
    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.tokens = _tokens(file)
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def span(self, start: int) -> Span:
        return Span(self.file, start, self.tokens[max(self.at - 1, 0)].end)

    def take(self, text: str) -> bool:
        if self.token.text == text and self.token.kind in ("op", "keyword", "post"):
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.unexpected(f"expected {text!r}")

    def unexpected(self, expected: str) -> Exception:
        token = self.token
        found = f"unexpected {token.text!r}" if token.kind != "end" else "the file ends too early"
        span = Span(self.file, token.start, max(token.end, token.start))
        return fail("MM403", f"{found}: {expected}", span)

    def name(self, what: str) -> Name:
        token = self.token
        if token.kind != "name":
            raise self.unexpected(f"expected {what}")
        self.at += 1
        return Name(token.text, Span(self.file, token.start, token.end))

    def statements(self) -> list[Statement]:
        out: list[Statement] = []
        if self.token.kind == "string":
            out.append(Title(self.token.text[1:-1]))
            self.at += 1
        elif self.token.kind == "name" and self.tokens[self.at + 1].kind in ("keyword", "end"):
            out.append(Title(self.token.text))  # herd's files may begin with a bare name
            self.at += 1
        while self.token.kind != "end":
            statement = self.statement()
            if statement is not None:
                out.append(statement)
        return out

    def statement(self) -> Statement | None:
        start = self.token.start
        if self.take("let"):
            recursive = self.take("rec")
            return Let(self.bindings(recursive), recursive)
        if self.take("include"):
            if self.token.kind != "string":
                raise self.unexpected("expected a file name in quotes")
            path = self.token.text[1:-1]
            self.at += 1
            return Include(path, self.span(start))
        if self.take("show") or self.take("unshow"):
            while True:
                self.exp()
                if self.take("as"):
                    self.name("a name")
                if not self.take(","):
                    return None
        flag = self.take("flag")
        negated = self.take("~")
        if self.token.text in _TESTS:
            kind = self.token.text
            self.at += 1
            exp = self.exp()
            name = self.name("the name of this axiom").text if self.take("as") else kind
            return Test(kind, negated, flag, exp, name, self.span(start))
        raise self.unexpected("expected let, acyclic, irreflexive, empty, flag, include or show")

    def bindings(self, recursive: bool) -> tuple[Binding, ...]:
        out = [self.binding()]
        while self.take("and"):
            if not recursive:
                raise fail("MM403", "'and' stands only behind 'let rec'", self.span(self.tokens[self.at - 1].start))
            out.append(self.binding())
        return tuple(out)

    def binding(self) -> Binding:
        name = self.name("a name to define")
        params: list[str] | None = None
        if self.take("("):
            params = [self.name("a parameter").text]
            while self.take(","):
                params.append(self.name("a parameter").text)
            self.expect(")")
        elif self.token.kind == "name":
            params = [self.name("a parameter").text]
        self.expect("=")
        return Binding(name, None if params is None else tuple(params), self.exp())

    def exp(self) -> Exp:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise fail("MM404", "this expression is nested too deeply", self.span(self.token.start))
        start = self.token.start
        if self.take("let"):
            recursive = self.take("rec")
            bindings = self.bindings(recursive)
            self.expect("in")
            result: Exp = LetIn(bindings, recursive, self.exp(), self.span(start))
        else:
            result = self.binary(0)
        self.depth -= 1
        return result

    LEVELS = ("|", ";", "\\", "&", "*")

    def binary(self, level: int) -> Exp:
        if level == len(self.LEVELS):
            return self.prefix()
        start = self.token.start
        op = self.LEVELS[level]
        left = self.binary(level + 1)
        while self.token.text == op and not (op == "*" and not self.starts_operand(self.at + 1)):
            self.at += 1
            left = Binary(op, left, self.binary(level + 1), self.span(start))
        return left

    def starts_operand(self, at: int) -> bool:
        token = self.tokens[at]
        if token.text == "let":  # on a new line it is the next statement
            return self.same_line(self.tokens[at - 1], token)
        return token.kind in ("name", "zero") or token.text in ("(", "[", "~")

    def prefix(self) -> Exp:
        start = self.token.start
        if self.take("~"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise fail("MM404", "this expression is nested too deeply", self.span(start))
            arg = self.prefix()
            self.depth -= 1
            return Unary("~", arg, self.span(start))
        return self.postfix()

    def postfix(self) -> Exp:
        start = self.token.start
        result = self.atom()
        for _ in range(MAX_DEPTH):
            token = self.token
            if token.kind == "post" or token.text == "?":
                op = token.text
            elif token.text in "+*" and token.text and not self.starts_operand(self.at + 1):
                op = "^" + token.text
            else:
                return result
            self.at += 1
            result = Unary(op, result, self.span(start))
        raise fail("MM404", "this expression is nested too deeply", self.span(start))

    def atom(self) -> Exp:
        token = self.token
        span = Span(self.file, token.start, token.end)
        if token.kind == "zero":
            self.at += 1
            return Empty(span)
        if self.take("("):
            inner = self.exp()
            self.expect(")")
            return inner
        if self.take("["):
            inner = self.exp()
            self.expect("]")
            return Unary("[]", inner, self.span(token.start))
        if token.kind == "name":
            name = self.name("a name")
            following = self.token
            if following.text == "(" and following.start == token.end:
                self.at += 1
                args = [self.exp()]
                while self.take(","):
                    args.append(self.exp())
                self.expect(")")
                return Apply(name, tuple(args), self.span(token.start))
            if following.kind == "name" and self.same_line(token, following):
                return Apply(name, (self.name("an argument"),), self.span(token.start))
            return name
        raise self.unexpected("expected a set, a relation, '(' or '['")

    def same_line(self, one: _Token, other: _Token) -> bool:
        return "\n" not in self.file.text[one.end : other.start]


def parse_cat(file: SourceFile) -> list[Statement]:
    """The statements of a cat file. Raises `InputError` at the first mistake."""
    return _Parser(file).statements()
