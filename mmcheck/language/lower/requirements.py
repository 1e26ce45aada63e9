"""Requirements of a program: one entry for each name and kind of check."""

from __future__ import annotations

from mmcheck.base.records import record
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower import values
from mmcheck.language.lower.conditions import Conditions
from mmcheck.language.lower.context import Context
from mmcheck.language.lower.names import near, problem
from mmcheck.language.lower.statements import shorten
from mmcheck.language.syntax import ast

KINDS = ("point", "final", "exists", "progress", "ordered")


@record
class RequirementInfo:
    """A requirement as declared, or as made by a check without a declaration."""

    name: str
    clauses: tuple[str, ...]
    says: str
    span: Span


def info(node: ast.Requirement) -> RequirementInfo:
    says = node.says.value if node.says is not None else ""
    return RequirementInfo(node.name.text, tuple(cited.value for cited in node.cites), says, node.name.span)


class Requirements:
    """Collects the requirements of one program whose threads are lowered."""

    def __init__(self, context: Context, threads: tuple[ir.Thread, ...]) -> None:
        self._context = context
        self._threads = threads
        self.conditions = Conditions(context)
        self._found: list[ir.Requirement] = []

    def collect(self) -> tuple[ir.Requirement, ...]:
        context, without = self._context, self._context.declarations.without
        titles = {context.declarations.title, *context.declarations.titles.values()}
        asserted = self._asserted()
        for node in context.declarations.requirements.values():
            if node.name.text in without:
                continue
            if node.name.text in asserted:
                self._add(info(node), "point", node.name.span)
            self._checks(info(node), node.checks)
        for claim in context.declarations.claims:
            if claim.title not in without:
                self._checks(RequirementInfo(claim.title, (), "", claim.check.span), (claim.check,))
        for name, span in asserted.items():
            if name == ir.ARITHMETIC and name not in context.declarations.requirements:
                says = "every shift is by less than the width, and nothing is divided by zero"
                origin = ir.Origin(span, shorten(span.text))
                self._found.append(ir.Requirement(name, "point", says=says, origin=origin, implied=True))
            elif name not in context.declarations.requirements:
                clauses = () if name in titles else (name,)
                self._add(RequirementInfo(name, clauses, "", span), "point", span)
        return tuple(self._found)

    def _asserted(self) -> dict[str, Span]:
        """The requirements that statements of threads and of what they call assert, where first."""
        found: dict[str, Span] = {}
        for thread in self._threads:
            for each in self._context.reachable(thread.body):
                if isinstance(each, ir.Assert) and each.origin.span is not None:
                    found.setdefault(each.requirement, each.origin.span)
        return found

    def _add(
        self,
        claim: RequirementInfo,
        kind: str,
        span: Span,
        cond: ir.Expr = ir.TRUE,
        subjects: tuple[str, ...] = (),
    ) -> None:
        for position, known in enumerate(self._found):
            if (known.name, known.kind) == (claim.name, kind):
                if kind in ("exists", "ordered"):
                    message = f"'{claim.name}' has two checks of the kind '{kind}'"
                    raise problem("MM230", message, span, "make a requirement for each")
                both = values.both("&&", known.cond, cond).expr
                joined = (*known.subjects, *(each for each in subjects if each not in known.subjects))
                if kind == "progress" and (not known.subjects or not subjects):
                    joined = ()
                self._found[position] = ir.Requirement(
                    known.name, kind, known.clauses, known.says, both, joined, known.origin
                )
                return
        origin = ir.Origin(span, shorten(span.text))
        self._found.append(ir.Requirement(claim.name, kind, claim.clauses, claim.says, cond, subjects, origin))

    def _checks(self, claim: RequirementInfo, checks: tuple[ast.Check, ...]) -> None:
        for check in checks:
            with self._context.reporter.collect():
                match check:
                    case ast.Forall(condition=condition):
                        self._add(claim, "final", check.span, self.conditions.condition(condition))
                    case ast.NotExists(condition=condition):
                        cond = self.conditions.condition(condition)
                        self._add(claim, "final", check.span, values.make("not", (cond,), 1))
                    case ast.Exists(condition=condition):
                        self._add(claim, "exists", check.span, self.conditions.condition(condition))
                    case ast.Progress(waits=waits):
                        subjects = tuple(name for wait in waits for name in self._waits(wait))
                        self._add(claim, "progress", check.span, subjects=subjects)
                    case ast.OrderedCheck(first=first, second=second):
                        self._add(claim, "ordered", check.span, subjects=(self._site(first), self._site(second)))

    # --- subjects ---

    def _waits(self, path: ast.SitePath) -> list[str]:
        """The agents, or agents with one of their waits, that `path` names."""
        names = [name.text for name in path.names]
        awaits = {
            thread.name: {
                each.origin.site
                for each in self._context.reachable(thread.body)
                if isinstance(each, ir.Await | ir.Loop) and each.origin.site
            }
            for thread in self._threads
        }
        agents = self._agents(path)
        if len(names) == 1:
            if agents:
                return agents
            found = [f"{thread}.{names[0]}" for thread, sites in awaits.items() if names[0] in sites]
            if found:
                return found
            known = [*awaits, *(site for sites in awaits.values() for site in sites)]
            raise problem("MM206", f"no agent and no wait is named '{names[0]}'{near(names[0], known)}", path.span)
        if not agents:
            raise problem("MM206", f"no agent is named '{names[0]}'{near(names[0], awaits)}", path.names[0].span)
        site = names[-1]
        found = [f"{thread}.{site}" for thread in agents if site in awaits[thread]]
        if not found:
            known = [each for thread in agents for each in awaits[thread]]
            hint = "name a wait with 'label: await …'"
            message = f"no wait of '{names[0]}' is named '{site}'{near(site, known)}"
            raise problem("MM206", message, path.names[-1].span, hint)
        return found

    def _agents(self, path: ast.SitePath) -> list[str]:
        name = path.names[0].text
        if path.index is not None:
            name = f"{name}[{self._context.number(path.index)}]"
        known = [thread.name for thread in self._threads]
        if name in known:
            return [name]
        return [each for each in known if each.startswith(f"{name}[")] if path.index is None else []

    def _site(self, path: ast.SitePath) -> str:
        """The label, or the function, that an ``ordered`` check names."""
        name = path.names[-1].text
        sites: set[str] = set()
        for thread in self._threads:
            for each in self._context.reachable(thread.body):
                sites.add(each.origin.site)
                if isinstance(each, ir.Call):
                    sites.add(each.function)
        if name not in sites:
            known = sorted(sites - {""})
            raise problem("MM206", f"no access or fence is named '{name}'{near(name, known)}", path.span)
        return name
