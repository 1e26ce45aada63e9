"""One spec for one target in one variant: everything that its parts need while they are lowered."""

from __future__ import annotations

from mmcheck.base.errors import Diagnostic, InputError
from mmcheck.base.records import replace
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.ir.polling import awaited
from mmcheck.language.lower.choices import Chooser
from mmcheck.language.lower.clauses import check_clause
from mmcheck.language.lower.constants import Constants
from mmcheck.language.lower.cpus import MAX_RUNS, Cpus, Handler, opens
from mmcheck.language.lower.functions import Functions
from mmcheck.language.lower.layout import Layout
from mmcheck.language.lower.names import Declarations, Problem, Reporter, near, problem
from mmcheck.language.lower.requirements import Requirements
from mmcheck.language.lower.spaces import NEGOTIATED, placed, with_devices
from mmcheck.language.lower.statements import Statements
from mmcheck.language.lower.types import TypeTable
from mmcheck.language.lower.values import Literal, Val, scalar
from mmcheck.language.lower.whole import Widths
from mmcheck.language.syntax import ast
from mmcheck.target import words
from mmcheck.target.pieces import Piece
from mmcheck.target.targets import Target

MAX_AGENTS = 64


class Unit:
    """Lowers `declarations` for `target`; problems go to `reporter`. `chooser` has the sites that are left open."""

    def __init__(
        self, declarations: Declarations, target: Target, reporter: Reporter, chooser: Chooser | None = None
    ) -> None:
        self.declarations = declarations
        self.target = target
        self.reporter = reporter
        self.chooser = chooser
        self.constants = Constants(self)
        self.types = TypeTable(declarations.structs, self.constants.number)
        self.layout = Layout(declarations)
        self.widths = Widths()
        self.cpus = Cpus(self)
        self.alias: dict[str, str] = {}
        """Handler, or one of its runs -> the thread of the program that has its final state."""
        self.functions = Functions(self)
        self.unrolled = 0
        self.registers: dict[str, dict[str, Val]] = {}
        """Thread -> its registers by their names in the source."""
        self.troubled: set[str] = set()
        """Agents with a mistake in them: not all of their registers are known."""
        self._realised: dict[tuple[str, bool, tuple[str, ...]], tuple[Piece, ...]] = {}

    def program(self) -> ir.Program:
        """The program; worth something only if nothing was reported."""
        for name, node in self.declarations.consts.items():
            with self.reporter.collect():
                self.constants.named(name, node.name.span)
        self.cpus.prepare()
        self.layout.place(self.types, self.constants.value, self.reporter, self.cpus.count)
        self.layout.fill(self.types, self.constants.value, self.reporter)
        threads: list[ir.Thread] = []
        handlers: list[Handler] = []
        for agent in self.declarations.agents.values():
            known = self.reporter.reports
            with self.reporter.collect():
                if agent.kind == "interrupt":
                    handlers.append(self._handler(agent))
                else:
                    threads += self._agent(agent)
            if self.reporter.reports > known:
                self.troubled.add(agent.name.text)
            if len(threads) + sum(handler.runs for handler in handlers) > MAX_AGENTS:
                self.reporter.report("MM227", f"a program has at most {MAX_AGENTS} agents", agent.name.span)
                break
        threads += [*self.cpus.idlers(handlers, threads)]
        threads += self.cpus.runs(handlers, threads)
        requirements = Requirements(self, tuple(threads))
        found = requirements.collect()
        threads = [self._with_privates(thread, threads, requirements.conditions.mentioned) for thread in threads]
        self.unrolled = 0
        self.functions.lower_unused()
        self.widths.check(self.reporter)
        self.layout.cells = self.widths.merged(self.layout.cells, self.layout.variables.values())
        threads = with_devices(self.layout.cells, threads, self.functions.reachable)
        cells = placed(self.layout.cells, threads, self.functions.reachable, negotiated=self._order_platform())
        functions, cells = dict(self.functions.bodies), (*cells, *self.cpus.cells)
        return awaited(ir.Program(self.declarations.title, self.target.name, tuple(threads), cells, functions, found))

    def _order_platform(self) -> bool:
        """Whether the specification says that ORDER_PLATFORM is negotiated."""
        for name in NEGOTIATED:
            node = self.declarations.consts.get(name)
            if node is not None:
                with self.reporter.collect():
                    found = scalar(self.constants.named(name, node.name.span), node.name.span)
                    number = found.number if isinstance(found, Literal) else found.expr
                    if number not in (0, ir.FALSE, ir.Const(0)):
                        return True
        return False

    # --- agents ---

    def _agent(self, node: ast.Agent) -> list[ir.Thread]:
        if node.range is None:
            return [self._thread(node, node.name.text, None)]
        first, last = self.constants.number(node.range.start), self.constants.number(node.range.end)
        if not 0 < last - first <= MAX_AGENTS:
            message = f"{last - first} agents: there are 1 to {MAX_AGENTS}"
            raise problem("MM227", message, node.range.span)
        return [self._thread(node, f"{node.name.text}[{i}]", i) for i in range(first, last)]

    def _handler(self, node: ast.Agent) -> Handler:
        name = node.name.text
        if node.range is not None:
            raise problem("MM250", "a handler has no copies: 'at most' says how often it runs", node.range.span)
        if node.cpu is None:
            hint = f"interrupt {name} on cpu 0"
            raise problem("MM250", f"'{name}' is on no CPU: which thread does it interrupt?", node.name.span, hint)
        cpu = self.cpus.number(node.cpu)
        runs = self.constants.number(node.at_most) if node.at_most is not None else 1
        if not 1 <= runs <= MAX_RUNS:
            assert node.at_most is not None
            raise problem("MM250", f"a handler runs 1 to {MAX_RUNS} times, not {runs}", node.at_most.span)
        code = Statements(self, name)
        with code.frame.aside() as prologue:
            self.cpus.prologue(code, node, cpu)
        body = (*prologue, *code.block(node.body, scope=False))
        self.registers[name] = code.frame.declared
        return Handler(node, cpu, runs, body, opens(self, body, node))

    def _thread(self, node: ast.Agent, name: str, index: int | None) -> ir.Thread:
        code = Statements(self, name)
        if index is not None and node.range is not None:
            code.check_name(node.range.name)
            code.frame.bind(node.range.name.text, Literal(index))
        cpu = self.cpus.number(node.cpu) if node.cpu is not None else None
        body = code.block(node.body, scope=False)
        self.registers[name] = code.frame.declared
        kind = "device" if node.kind == "device" else "thread"
        origin = ir.Origin(node.span, f"{node.kind} {name}")
        return ir.Thread(name, body, kind, node.kind == "thread", (), cpu, origin)

    def _with_privates(self, thread: ir.Thread, threads: list[ir.Thread], mentioned: set[tuple[str, str]]) -> ir.Thread:
        """`thread` with those of its own registers that it uses, or that a condition names."""
        used = {
            name
            for owner, name in mentioned
            if self.alias.get(owner, owner) in (thread.name, self.alias.get(thread.handler))
        }
        for each in self.functions.reachable(thread.body):
            used |= {reg.name.removeprefix("@") for reg in registers_in(each) if reg.name.startswith("@")}
        privates = tuple(
            (private.register, private.init.value) for name, private in self.layout.privates.items() if name in used
        )
        with self.reporter.collect():
            privates += tuple(self.cpus.privates(thread, threads, used))
        return replace(thread, privates=privates)

    # --- words and requirements ---

    def realise(self, word: words.Word, orders: tuple[str, ...], span: Span) -> tuple[Piece, ...]:
        """What `word` becomes on this target; a problem at `span` if it has no such instruction."""
        method = words.METHODS.get(word.name) is word
        key = (word.name, method, orders)
        if key not in self._realised:
            names = words.ORDER_PLATFORM.get(word.name, (word.name,)) if self._order_platform() else (word.name,)
            try:
                made = [words.realise(name, orders, self.target, method=method) for name in names]
                self._realised[key] = tuple([piece for pieces in made for piece in pieces])
            except InputError as found:
                first = found.diagnostics[0]
                raise Problem(Diagnostic(first.code, first.message, first.span or span, first.help)) from found
        return self._realised[key]

    def titles(self) -> set[str]:
        """Names of requirements that checks without a name belong to."""
        return {self.declarations.title, *self.declarations.titles.values()}

    def claim_of(self, node: ast.Assert) -> str:
        """The name of the requirement that an `assert` belongs to."""
        known = self.declarations.requirements
        match node.claim:
            case ast.Ident(text=name) if name in known:
                return name
            case ast.Ident(text=name):
                hint = f'declare it: requirement {name} {{ says "…" }}'
                raise problem("MM204", f"no requirement is named '{name}'{near(name, known)}", node.claim.span, hint)
            case ast.Text(value=clause):
                found = check_clause(clause)
                if found is not None:
                    raise problem("MM208", found.message, node.claim.span, found.help)
                return clause
        return self.declarations.title_of(node.span)


def registers_in(statement: ir.Statement) -> list[ir.Reg]:
    """Every register that `statement` itself, without its blocks, reads or sets."""
    match statement:
        case ir.Assign(dst=dst, expr=expr):
            return [dst, *ir.registers_of(expr)]
        case ir.Load(dst=dst, address=address):
            return [dst, *ir.registers_of(address)]
        case ir.Store(address=address, value=stored):
            return [*ir.registers_of(address), *ir.registers_of(stored)]
        case ir.StoreExclusive(status=status, address=address, value=stored):
            return [status, *ir.registers_of(address), *ir.registers_of(stored)]
        case ir.Rmw():
            exprs = (statement.address, statement.new, statement.when)
            found = [statement.dst, *(reg for expr in exprs for reg in ir.registers_of(expr))]
            return found + ([statement.ok] if statement.ok is not None else [])
        case ir.If(cond=cond) | ir.Await(cond=cond) | ir.Assert(cond=cond) | ir.Given(cond=cond):
            return list(ir.registers_of(cond))
        case ir.Call(args=args, dst=target):
            found = [reg for arg in args for reg in ir.registers_of(arg)]
            return found + ([target] if target is not None else [])
        case ir.Return(value=value) if value is not None:
            return list(ir.registers_of(value))
    return []
