"""The parser at work: an LALR(1) automaton with a lexer that knows the parser's state, driven by a table.

The table comes from lark (`mmcheck.language.syntax.parse.lalr_table`). Running it here means that lark, which takes as
long to load as the solver, is imported only where there is no table. What is accepted, and the tree, are the same: in
each state only terminals that the state has an action for are looked for, by priority; rules whose names begin with
``_`` are spliced into what is around them; rules marked ``?`` with one child are that child.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from mmcheck.language.syntax.build_expr import Leaf

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Node(NamedTuple):
    """A reduction; `children` are leaves and nodes."""

    rule: str
    children: list[Any]


class Rule(NamedTuple):
    """`keep` are the places of the operands that stay, each with whether its children are spliced in."""

    name: int
    size: int
    keep: Sequence[tuple[int, bool]]
    single: bool


Match: TypeAlias = "tuple[int, int]"
"""A terminal and where it ends."""


class Stuck(Exception):
    """The text is no sentence. `symbol` (at `start`, up to `end`) has no action; -1 if there is no terminal at all."""

    def __init__(self, start: int, symbol: int = -1, end: int = -1) -> None:
        super().__init__(start)
        self.start = start
        self.symbol = symbol
        self.end = end


class Parser:
    """A table, ready for use. Raises `LookupError`, `TypeError` or `ValueError` if it is none."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.names: list[str] = [str(name) for name in table["symbols"]]
        self.patterns: list[str] = [str(pattern) for pattern in table["patterns"]]
        self.ignored = frozenset(table["ignored"])
        self.start, self.end_state = int(table["start"]), int(table["accept"])
        self.end = self.names.index("$END")
        self.rules = [Rule(*rule) for rule in table["rules"]]
        self.lexer_of: list[int] = table["lexer_of"]
        self.root = len(table["lexers"]) - 1
        self._lexers: list[list[list[int]]] = table["lexers"]
        self._words: dict[int, dict[str, int]] = {}
        self._rows: list[list[int]] = table["states"]
        self._actions: dict[int, dict[int, int]] = {}
        self._matchers: dict[int, Callable[..., re.Match[str] | None]] = {}
        if len(self._rows) != len(self.lexer_of) or not self.rules or not self._lexers:
            raise ValueError("no table")

    def actions(self, state: int) -> dict[int, int]:
        """What to do for each symbol: a state to go to, or ``-1 - r`` to reduce by rule r."""
        known = self._actions.get(state)
        if known is None:
            row = self._rows[state]
            known = self._actions[state] = dict(zip(row[::2], row[1::2], strict=True))
        return known

    def match(self, lexer: int, text: str, at: int) -> Match | None:
        """The terminal that `lexer` sees at `at`."""
        before, words, after = self._lexers[lexer]
        for symbol in before:
            found = self._match(symbol, text, at)
            if found is not None:
                return symbol, found.end()
        if words:
            word = _WORD.match(text, at)
            if word is not None:
                known = self._words.get(lexer)
                if known is None:
                    known = self._words[lexer] = {self.patterns[w].removesuffix(r"\b"): w for w in words}
                keyword = known.get(word.group())
                if keyword is not None:
                    end = word.end()
                    if end == len(text) or not (text[end].isalnum() or text[end] == "_"):
                        return keyword, end
        for symbol in after:
            found = self._match(symbol, text, at)
            if found is not None:
                return symbol, found.end()
        return None

    def _match(self, symbol: int, text: str, at: int) -> re.Match[str] | None:
        matcher = self._matchers.get(symbol)
        if matcher is None:
            matcher = self._matchers[symbol] = re.compile(self.patterns[symbol]).match
        return matcher(text, at)


class Run:
    """One parse of one text: `next` gives the terminals, `feed` takes them."""

    def __init__(self, parser: Parser, text: str) -> None:
        self.parser = parser
        self.text = text
        self.at = 0
        self.states = [parser.start]
        self.values: list[Any] = []
        self.nodes: list[Node] = []
        """Every reduction that is a node, operands before what they are in."""

    def next(self) -> tuple[int, Leaf] | None:
        """The next terminal in the present state, None at the end; raises `Stuck`."""
        return self._next(self.parser.lexer_of[self.states[-1]])

    def _next(self, lexer: int) -> tuple[int, Leaf] | None:
        parser, text = self.parser, self.text
        while self.at < len(text):
            found = parser.match(lexer, text, self.at)
            if found is None:
                if lexer == parser.root:
                    raise Stuck(self.at)
                place = self.at
                try:
                    other = self._next(parser.root)  # a terminal, and only in a wrong place?
                except Stuck:
                    raise Stuck(place) from None
                if other is None:
                    raise Stuck(place)
                raise Stuck(other[1].start, other[0], other[1].end)
            symbol, end = found
            start, self.at = self.at, end
            if symbol not in parser.ignored:
                return symbol, Leaf(parser.names[symbol], text[start:end], start, end)
        return None

    def feed(self, symbol: int, leaf: Leaf) -> None:
        """Take a terminal; raises `Stuck`, with the reductions before it done."""
        parser, states, values = self.parser, self.states, self.values
        while True:
            action = parser.actions(states[-1]).get(symbol)
            if action is None:
                raise Stuck(leaf.start, symbol, leaf.end)
            if action >= 0:
                states.append(action)
                values.append(leaf)
                return
            self._reduce(-1 - action)

    def finish(self) -> Node:
        """The tree, at the end of the text; raises `Stuck`."""
        parser = self.parser
        while True:
            action = parser.actions(self.states[-1]).get(parser.end)
            if action is None or action >= 0:
                raise Stuck(len(self.text), parser.end, len(self.text))
            self._reduce(-1 - action)
            if self.states[-1] == parser.end_state:
                tree = self.values[-1]
                assert isinstance(tree, Node)
                return tree

    def _reduce(self, number: int) -> None:
        parser, states, values = self.parser, self.states, self.values
        rule = parser.rules[number]
        operands: list[Any] = []
        if rule.size:
            operands = values[-rule.size :]
            del states[-rule.size :], values[-rule.size :]
        children: list[Any] = []
        for place, spliced in rule.keep:
            if spliced:
                children += operands[place]
            else:
                children.append(operands[place])
        name = parser.names[rule.name]
        value: Any = children
        if rule.single and len(children) == 1:
            value = children[0]
        elif not name.startswith("_"):
            value = Node(name, children)
            self.nodes.append(value)
        states.append(parser.actions(states[-1])[rule.name])
        values.append(value)

    def accepts(self) -> frozenset[str]:
        """The terminals that could stand next, ``$END`` among them."""
        parser = self.parser
        out = set()
        for symbol in parser.actions(self.states[-1]):
            name = parser.names[symbol]
            if name.isupper() and self._would_take(symbol):
                out.add(name)
        return frozenset(out)

    def _would_take(self, symbol: int) -> bool:
        parser, states = self.parser, list(self.states)
        while True:
            action = parser.actions(states[-1]).get(symbol)
            if action is None or action >= 0:
                return action is not None
            rule = parser.rules[-1 - action]
            if rule.size:
                del states[-rule.size :]
            states.append(parser.actions(states[-1])[rule.name])
            if symbol == parser.end and states[-1] == parser.end_state:
                return True
