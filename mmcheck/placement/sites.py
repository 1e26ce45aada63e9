"""Where a choice is: named barriers, orders marked with ``?``, and with ``--sites all`` every gap and every order.

A site belongs to the text: a function called twice, a `repeat`, two workers of one thread have the same barrier. Gaps
between shared accesses are put into the tree as ``nothing``, so that they are lowered like a named one.

The other side of a queue is as it is: sites in a `device`, and in functions that only devices call, are fixed unless
they are marked. A file with nothing but a device's functions is about the device: there they are open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Literal

from mmcheck.base.errors import fail
from mmcheck.base.records import fields, record, replace
from mmcheck.base.source import Span
from mmcheck.language.lower.choices import Key, Option, key_of
from mmcheck.language.lower.names import Declarations
from mmcheck.language.lower.statements import site_of
from mmcheck.language.syntax import ast
from mmcheck.placement import options as words
from mmcheck.target.orders import Word, normal_order
from mmcheck.target.words import METHODS, WORDS

Kind = Literal["fence", "gap", "order"]
Scope = Literal["marked", "all"]


@record
class Site:
    """One place of the text where something may change.

    `span` is that of the fence's call or ``nothing`` (what an edit replaces), of the orders of an access, or the
    empty span in front of which a new statement would stand. `statement` is the whole statement's, `orders` are
    those of the orders that stand there. `inside_await`: it is executed in each round of a wait. `auxiliary`: not
    asked for, used only to find out where a barrier belongs. `target`: the choice is for that target alone
    (``--instructions``). `devices`: barriers between memory and a device are among the options.
    """

    name: str
    kind: Kind
    key: Key
    options: tuple[Option, ...]
    written: str
    owner: str
    span: Span
    statement: Span
    inside_await: bool = False
    auxiliary: bool = False
    labelled: bool = False
    orders: tuple[Span, ...] = ()
    target: str = ""
    devices: bool = False

    def option(self, name: str) -> Option:
        return next(option for option in self.options if option.name == name)

    @property
    def weakest(self) -> str:
        """Nothing, or the relaxed access."""
        return self.options[0].name


@record
class Found:
    """The sites of a program in the order of its text, and the declarations with the gaps put in."""

    sites: tuple[Site, ...]
    table: Declarations


def find_sites(table: Declarations, scope: Scope, path: str, fixed: Iterable[str] = ()) -> Found:
    """The sites of `table` in the file `path`; what it includes is not its to change.

    `fixed` are names of sites, functions and agents that stay as they are.
    """
    return _Finder(table, scope, path, frozenset(fixed)).run()


class _Finder:
    def __init__(self, table: Declarations, scope: Scope, path: str, fixed: frozenset[str]) -> None:
        self.table = table
        self.scope = scope
        self.fixed = fixed
        self.sites: list[Site] = []
        self.prefix, self.style = _family(table, path)
        self.path = path

    def run(self) -> Found:
        devices = _devices_only(self.table)
        device_side = self._is_device_side(devices)
        table = self.table.copy()
        for name, function in self.table.functions.items():
            open_ = device_side or name not in devices
            body = self.owner(function, open_=open_, function=True)
            table.functions[name] = replace(function, body=body)
        for name, agent in self.table.agents.items():
            body = self.owner(agent, open_=device_side or agent.kind != "device", function=False)
            table.agents[name] = replace(agent, body=body)
        names = Counter(site.name for site in self.sites)
        sites = [_renamed(site, names) for site in self.sites]
        sites = [site for site in sites if site.span.file.path == self.path]
        self._check_fixed(sites)
        sites = [site for site in sites if not self.fixed & names_of(site)]
        sites.sort(key=lambda site: site.span.start)
        return Found(tuple(sites), table)

    def _is_device_side(self, devices: set[str]) -> bool:
        """Whether all code of the file is a device's: then that is not the other side, but what is placed."""
        owners: list[ast.FnDecl | ast.Agent] = [*self.table.functions.values(), *self.table.agents.values()]
        mine = [owner for owner in owners if owner.span.file.path == self.path]
        return bool(mine) and all(
            owner.name.text in devices if isinstance(owner, ast.FnDecl) else owner.kind == "device" for owner in mine
        )

    def _check_fixed(self, sites: list[Site]) -> None:
        """Raises `InputError` for a name in `fixed` that nothing has."""
        known = {name for site in sites for name in names_of(site)} | set(self.table.functions) | set(self.table.agents)
        for name in sorted(self.fixed - known):
            near = get_close_matches(name, sorted(known), 1)
            help_ = (
                f"did you mean '{near[0]}'?"
                if near
                else "name a site as the report does, a label, a function, an agent"
            )
            raise fail(
                "MM020", f"no site, function or agent is called '{name}': nothing to fix", path=self.path, help=help_
            )

    def owner(self, node: ast.FnDecl | ast.Agent, *, open_: bool, function: bool) -> ast.Block:
        if {node.name.text} & self.fixed:
            return node.body
        walker = _Walker(self, node.name.text, node, open_, _locals(node))
        return walker.block(node.body, started=function, ended=function)


class _Walker:
    """The statements of one function or agent."""

    def __init__(
        self, finder: _Finder, owner: str, node: ast.FnDecl | ast.Agent, open_: bool, registers: set[str]
    ) -> None:
        self.finder = finder
        self.owner = owner
        self.open = open_
        self.registers = registers
        self.awaits = 0
        self.gaps = not (isinstance(node, ast.Agent) and node.kind == "asm thread" and finder.scope == "marked")

    def block(self, block: ast.Block, *, started: bool, ended: bool) -> ast.Block:
        """`block` with its gaps; `started`: something may come before it, `ended`: something may follow."""
        out: list[ast.Stmt] = []
        fresh = False
        for statement in block.statements:
            accesses = self.accesses(statement)
            if accesses and (started or fresh) and not _is_barrier(out[-1:]):
                out.append(self.gap(statement.span, statement))
            out.append(self.statement(statement))
            started = started or accesses or _calls(statement, self.finder.table)
            fresh = fresh or accesses
            if accesses and isinstance(statement, ast.Await):
                ended_here = statement.span.end
                follower = block.statements[block.statements.index(statement) + 1 :][:1]
                if not (_is_barrier(follower) or (follower and self.accesses(follower[0]))):
                    span = Span(statement.span.file, ended_here, ended_here)
                    out.append(self.gap(span, statement, behind=True))
        last = out[-1] if out else None
        if ended and last is not None and self.accesses(last) and not isinstance(last, ast.Return | ast.Await):
            end = last.span.end
            out.append(self.gap(Span(last.span.file, end, end), last, behind=True))
        return replace(block, statements=tuple(out))

    def statement(self, node: ast.Stmt) -> ast.Stmt:
        """`node` with gaps inside; its own sites are noted."""
        self.own_sites(node)
        changes: dict[str, Any] = {}
        for each in fields(node):
            inner = getattr(node, each.name)
            if isinstance(inner, ast.Block):
                body = isinstance(node, ast.Await) and inner is node.body
                self.awaits += body
                changes[each.name] = self.block(inner, started=True, ended=False)
                self.awaits -= body
        return replace(node, **changes) if changes else node

    # --- sites -------------------------------------------------------------------------------------

    def own_sites(self, node: ast.Stmt) -> None:
        label = site_of(node)
        if isinstance(node, ast.Nothing):
            if label and self.open:
                self.fence_site(node, label, node.span, None, "", "")
            return
        if isinstance(node, ast.ExprStmt) and isinstance(node.call, ast.Call):
            name = node.call.function.text
            word = WORDS.get(name) if name not in self.finder.table.functions else None
            if word is not None and word.operation == "fence":
                self.barrier(node, node.call, word, label)
                return
        inside = isinstance(node, ast.Await)
        for call in _calls_in(node):
            self.access(node, call, label, inside=inside)

    def barrier(self, node: ast.Stmt, call: ast.Call, word: Word, label: str) -> None:
        marked = any(argument.choice for argument in call.args)
        wanted = self.finder.scope == "all" and self.open
        if not (marked or wanted or (label and self.open)):
            return
        orders = tuple(_order_text(argument.value) for argument in call.args)
        text = f"{word.name}({', '.join(orders)})"
        prefix = words.linux_prefix(word.name)
        style = words.style_of(orders[0]) if orders and word.family == "rust" else self.finder.style
        places = tuple(argument.value.span for argument in call.args)
        self.fence_site(node, label, call.span, Option(text, ((word, orders),)), prefix, style, places)

    def fence_site(
        self,
        node: ast.Stmt,
        label: str,
        span: Span,
        written: Option | None,
        prefix: str,
        style: str,
        orders: tuple[Span, ...] = (),
    ) -> None:
        if written is None:
            prefix, style = self.finder.prefix, self.finder.style
        options = words.fence_options(written, prefix=prefix, style=style or self.finder.style)
        name = f"{self.owner}.{label}" if label else f"{self.owner}@{span.line}"
        place = span if written is not None else _behind_label(node)
        self.finder.sites.append(
            Site(
                name,
                "fence",
                key_of(self.owner, label, span),
                options,
                written.name if written is not None else words.NOTHING,
                self.owner,
                place,
                node.span,
                self.awaits > 0,
                labelled=bool(label),
                orders=orders,
            )
        )

    def access(self, node: ast.Stmt, call: ast.Call | ast.MethodCall, label: str, *, inside: bool) -> None:
        name = call.function.text if isinstance(call, ast.Call) else call.method.text
        word = WORDS.get(name) if isinstance(call, ast.Call) else METHODS.get(name)
        if word is None or "order" not in word.roles() or word.operation == "fence":
            return
        places = [index for index, role in enumerate(word.roles()) if role in ("order", "fail_order")]
        if len(call.args) <= places[-1]:
            return
        arguments = [call.args[index] for index in places]
        everything = self.finder.scope == "all" and self.open
        open_ = [argument.choice or everything for argument in arguments]
        if not any(open_):
            return
        orders = [_order_text(argument.value) for argument in arguments]
        options = words.order_options(word, orders, open_)
        written = ", ".join(normal_order(order) or order for order in orders)
        target = _place_text(call)
        site = f"{self.owner}.{label}" if label else f"{self.owner}.{target}.{name}"
        span = arguments[0].span.to(arguments[-1].span)
        self.finder.sites.append(
            Site(
                site,
                "order",
                key_of(self.owner, label, call.span),
                options,
                written,
                self.owner,
                span,
                node.span,
                self.awaits > 0 or inside,
                labelled=bool(label),
                orders=tuple(argument.value.span for argument in arguments),
            )
        )

    def gap(self, at: Span, neighbour: ast.Stmt, *, behind: bool = False) -> ast.Stmt:
        """A ``nothing`` that stands before `neighbour`, or `behind` it."""
        place = Span(at.file, at.end if behind else at.start, at.end if behind else at.start)
        line = neighbour.span.end_line if behind else neighbour.span.line
        name = f"{self.owner}@{'behind' if behind else 'before'} {line}"
        node = ast.Nothing(label=ast.Ident(name, span=place), span=place)
        if self.open and self.gaps:
            options = words.fence_options(None, prefix=self.finder.prefix, style=self.finder.style)
            self.finder.sites.append(
                Site(
                    name,
                    "gap",
                    key_of(self.owner, name, place),
                    options,
                    words.NOTHING,
                    self.owner,
                    place,
                    neighbour.span,
                    self.awaits > 0,
                    auxiliary=self.finder.scope == "marked",
                )
            )
        return node

    # --- accesses ----------------------------------------------------------------------------------

    def accesses(self, node: ast.Stmt) -> bool:
        """Whether the statement itself, its blocks and calls left out, touches shared memory."""
        if isinstance(node, ast.Assert | ast.Nothing):
            return False
        if isinstance(node, ast.Await) and node.body is not None and any(map(self.accesses, node.body.statements)):
            return True
        return any(self.touches(expr) for expr in _direct(node))

    def touches(self, node: ast.Node) -> bool:
        variables = self.finder.table.variables
        if isinstance(node, ast.AddrOf):
            return False
        if isinstance(node, ast.Deref):
            return True
        if isinstance(node, ast.Name):
            stored = variables.get(node.text)
            return stored is not None and stored.kind != "private" and node.text not in self.registers
        if isinstance(node, ast.MethodCall) and node.method.text in METHODS:
            return True
        if isinstance(node, ast.Call):
            word = WORDS.get(node.function.text)
            if word is not None and word.operation == "fence":
                return False
        return any(self.touches(child) for child in ast.children(node))


# --- helpers ---------------------------------------------------------------------------------------------


def _family(table: Declarations, path: str) -> tuple[str, str]:
    """Prefix and spelling of the barriers in the file at `path`, or else in what it includes: for new ones."""
    owners: list[ast.FnDecl | ast.Agent] = [*table.functions.values(), *table.agents.values()]
    return _family_of(owner for owner in owners if owner.span.file.path == path) or _family_of(owners) or ("", "|snake")


def _family_of(owners: Iterable[ast.FnDecl | ast.Agent]) -> tuple[str, str] | None:
    prefixes: Counter[str] = Counter()
    styles: Counter[str] = Counter()
    rust = 0
    for owner in owners:
        for node in ast.walk(owner.body):
            if isinstance(node, ast.Call) and node.function.text in WORDS:
                prefix = words.linux_prefix(node.function.text)
                prefixes.update([prefix] if prefix else [])
                if node.function.text in ("fence", "atomic_thread_fence") and node.args:
                    rust += 1
                    styles[words.style_of(_order_text(node.args[0].value))] += 1
    if not prefixes and not styles:
        return None
    prefix = prefixes.most_common(1)[0][0] if prefixes.total() > rust else ""
    return prefix, styles.most_common(1)[0][0] if styles else "|snake"


def _devices_only(table: Declarations) -> set[str]:
    """Functions that are called from devices and from nobody else."""
    called: dict[str, set[str]] = {}
    for name, function in table.functions.items():
        called[name] = _called(function.body, table)

    def closure(start: set[str]) -> set[str]:
        seen: set[str] = set()
        stack = list(start)
        while stack:
            name = stack.pop()
            if name not in seen:
                seen.add(name)
                stack += called.get(name, set())
        return seen

    devices, others = set[str](), set[str]()
    for agent in table.agents.values():
        (devices if agent.kind == "device" else others).update(_called(agent.body, table))
    return closure(devices) - closure(others)


def _called(block: ast.Node, table: Declarations) -> set[str]:
    return {node.function.text for node in ast.walk(block) if isinstance(node, ast.Call)} & table.functions.keys()


def _calls(node: ast.Stmt, table: Declarations) -> bool:
    return any(isinstance(each, ast.Call) and each.function.text in table.functions for each in ast.walk(node))


def _locals(node: ast.FnDecl | ast.Agent) -> set[str]:
    found = {each.name.text for each in ast.walk(node.body) if isinstance(each, ast.Let | ast.For)}
    if isinstance(node, ast.FnDecl):
        found |= {param.name.text for param in node.params}
    return found


def _direct(node: ast.Stmt) -> Iterator[ast.Node]:
    """The expressions of a statement, without those of statements inside it."""
    for child in ast.children(node):
        if not isinstance(child, ast.Block | ast.Stmt) and child is not node.label:
            yield child


def _calls_in(node: ast.Stmt) -> Iterator[ast.Call | ast.MethodCall]:
    for expr in _direct(node):
        for each in ast.walk(expr):
            if isinstance(each, ast.Call | ast.MethodCall):
                yield each


def _is_barrier(found: Iterable[ast.Stmt]) -> bool:
    """Whether a statement is a barrier or a named place for one: then no gap stands beside it."""
    for node in found:
        if isinstance(node, ast.Nothing):
            return True
        if isinstance(node, ast.ExprStmt) and isinstance(node.call, ast.Call):
            word = WORDS.get(node.call.function.text)
            return word is not None and word.operation == "fence"
    return False


def _order_text(node: ast.Expr) -> str:
    if isinstance(node, ast.Name):
        return node.text
    return node.value if isinstance(node, ast.Text) else " ".join(node.span.text.split())


def _place_text(call: ast.Call | ast.MethodCall) -> str:
    node: ast.Expr | None = call.receiver if isinstance(call, ast.MethodCall) else call.args[0].value
    return "".join(node.span.text.split()) if node is not None else ""


def _behind_label(node: ast.Stmt) -> Span:
    """The word ``nothing`` of a labelled statement."""
    text = node.span.text
    start = node.span.start + text.rfind("nothing")
    return Span(node.span.file, start, start + len("nothing"))


def _renamed(site: Site, names: Counter[str]) -> Site:
    """Sites of one name get their line, and their column if that is not enough."""
    if names[site.name] == 1:
        return site
    if site.kind == "gap":
        return replace(site, name=f"{site.name}:{site.span.column}")
    return replace(site, name=f"{site.name.partition('@')[0]}@{site.span.line}:{site.span.column}")


def names_of(site: Site) -> set[str]:
    """The names by which a user may mean `site`."""
    return {site.name, site.owner, site.name.split(".")[-1]}
