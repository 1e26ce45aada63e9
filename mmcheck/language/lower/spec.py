"""A loaded specification: its file and includes, its variants, what is expected, its programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path

from mmcheck.base import gate
from mmcheck.base.errors import Diagnostic, InternalError, fail
from mmcheck.base.files import reason
from mmcheck.base.gate import project_root
from mmcheck.base.records import record
from mmcheck.base.source import SourceFile, Span
from mmcheck.ir import program as ir
from mmcheck.ir.product import same
from mmcheck.language.lower import expectations
from mmcheck.language.lower.declare import check_labels, declare
from mmcheck.language.lower.expectations import Expectation
from mmcheck.language.lower.load import Loaded, Loader, Read, read_text
from mmcheck.language.lower.names import Claim, Declarations, Reporter, near
from mmcheck.language.lower.program import lower_program
from mmcheck.language.lower.requirements import KINDS, RequirementInfo, info
from mmcheck.language.lower.spaces import misspelt
from mmcheck.language.lower.variants import VariantInfo, Variants
from mmcheck.language.syntax import ast
from mmcheck.target.targets import DEFAULT_TARGETS, Target, applies_to, parse_target


@record
class Spec:
    """A specification whose names are known to be right on its targets, in all its variants.

    `files` are the sources, the included before the including; the last is the file itself.
    """

    title: str
    path: str
    targets: tuple[Target, ...]
    variants: tuple[VariantInfo, ...]
    requirements: tuple[RequirementInfo, ...]
    expectations: tuple[Expectation, ...]
    files: tuple[SourceFile, ...]
    is_library: bool
    warnings: tuple[Diagnostic, ...]
    """What is probably not meant, of variants."""
    _tables: Mapping[str | None, Declarations] = field(repr=False, compare=False)
    _expected: Mapping[str | None, tuple[Expectation, ...]] = field(repr=False, compare=False)
    _programs: dict[tuple[Target, str | None], ir.Program] = field(repr=False, compare=False)

    def program(self, target: Target, variant: str | None = None) -> ir.Program:
        """The program for `target` in `variant` (None: as written). Raises `InputError` on other targets only.

        A variant that does not exist, or is not for `target`, is the caller's mistake: see `applicable`.
        """
        if variant not in self._tables:
            raise InternalError(f"{self.path} has no variant '{variant}'")
        key = (target, variant)
        if key not in self._programs:
            reporter = Reporter()
            self._programs[key] = lower_program(self._tables[variant], target, reporter)
            reporter.check()
        return self._programs[key]

    def demand_claims(self, programs: Iterable[ir.Program] | None = None) -> None:
        """Raise `InputError` if nothing is required of any of `programs`, or of all that there are."""
        asked = self._programs.values() if programs is None else programs
        if all(requirement.implied for program in asked for requirement in program.requirements):
            help = "write a requirement, and an 'assert … for' it, or a 'forall'"
            raise fail("MM256", "no requirement: nothing is checked", path=self.path, help=help)

    def declarations(self, variant: str | None = None) -> Declarations:
        """The names of `variant` as syntax, for `mmcheck.placement`."""
        if variant not in self._tables:
            raise InternalError(f"{self.path} has no variant '{variant}'")
        return self._tables[variant]

    def applicable(self, variant: str | None, target: Target) -> bool:
        """Whether `variant` exists on `target`."""
        if variant is None:
            return True
        targets = next(each.targets for each in self.variants if each.title == variant)
        return targets is None or any(applies_to(pattern, target) for pattern in targets)

    def expected(
        self, requirement: str, kind: str, target: Target, variant: str | None = None
    ) -> tuple[str, str | None, Span | None]:
        """Verdict, layer and place of what the file expects; ``holds``, or ``forbidden``, if it says nothing."""
        found = expectations.choose(self._expected.get(variant, ()), requirement, kind, target)
        if found is None:
            return ("forbidden" if kind == "exists" else "holds"), None, None
        return found.verdict, found.layer, found.span


def load_spec(file: SourceFile, *, root: Path | None = None, read: Read = read_text) -> Spec:
    """Load `file` with what it includes. Raises `InputError` with everything that was found wrong.

    Includes stay under `root`; without it, see `mmcheck.base.gate.project_root`.
    """
    reporter = Reporter()
    loader = Loader(str(root.resolve()) if root is not None else project_root(file.path), read, reporter)
    loader.load(file)
    reporter.check()
    return _Builder(loader.loaded, reporter).build()


class _Builder:
    """Turns parsed files into a `Spec`."""

    def __init__(self, loaded: list[Loaded], reporter: Reporter) -> None:
        self._loaded = loaded
        self._reporter = reporter
        self._main = loaded[-1]
        self._base = Declarations(self._main.title)
        self._programs: dict[tuple[Target, str | None], ir.Program] = {}
        self._checkless: set[str] = set()

    def build(self) -> Spec:
        reporter, main = self._reporter, self._main
        for each in self._loaded:
            self._declare(each)
        check_labels(self._base, reporter)
        for name, meant in misspelt(each.tree for each in self._loaded):
            message = f"nothing reads the constant '{name.text}'; did you mean '{meant}'?"
            reporter.report("MM254", message, name.span)
        targets = self._targets()
        nodes = tuple(item for item in main.tree.items if isinstance(item, ast.Variant))
        variants = Variants(self._base, nodes, reporter)
        tables: dict[str | None, Declarations] = {None: self._base}
        tables.update(variants.tables)
        is_library = not self._base.agents
        expected: dict[str | None, tuple[Expectation, ...]] = {}
        for title, table in tables.items():
            limit = variants.infos[title].targets if title is not None else None
            mine = tuple(each for each in targets if limit is None or any(applies_to(one, each) for one in limit))
            if not mine and targets and title is not None:
                message = f"the variant '{title}' is for no target of this file"
                reporter.report("MM232", message, variants.infos[title].span)
                continue
            kinds, partly = self._lower(title, table, mine)
            sound = not len(reporter)
            if sound and not is_library:
                span = variants.infos[title].span if title is not None else None
                self._check_claims(table, kinds, partly, title, span)
            expects = self._expects(title, nodes)
            expected[title] = expectations.read(expects, reporter)
            self._check_expects(expected[title], expects, kinds, table, mine, sound=sound)
        reporter.check()
        return Spec(
            main.title,
            main.file.path,
            targets,
            tuple(variants.infos[title] for title in variants.infos),
            self._infos(tables),
            tuple(each for found in expected.values() for each in found),
            tuple(each.file for each in self._loaded),
            is_library,
            tuple(self._unchanged(variants)),
            tables,
            expected,
            self._programs,
        )

    def _check_expects(
        self,
        known: tuple[Expectation, ...],
        nodes: list[ast.Expect],
        kinds: dict[str, set[str]],
        table: Declarations,
        targets: tuple[Target, ...],
        *,
        sound: bool,
    ) -> None:
        """Without a sound program only the names can be judged."""
        if sound:
            expectations.check(known, nodes, kinds, set(table.requirements), targets, self._reporter)
            return
        names = [name for node in nodes for name in node.names]
        for name in names:
            if name.text not in table.requirements:
                message = f"no requirement is named '{name.text}'{near(name.text, table.requirements)}"
                self._reporter.report("MM204", message, name.span)

    def _declare(self, each: Loaded) -> None:
        self._base.titles[each.file.path] = each.title
        titles = [item for item in each.tree.items if isinstance(item, ast.Spec)]
        if len(titles) > 1:
            self._reporter.report("MM202", "a file has one title", titles[1].span)
        for item in each.tree.items:
            if isinstance(
                item,
                ast.Const | ast.StructDecl | ast.Storage | ast.Requirement | ast.FnDecl | ast.Agent | ast.Without,
            ):
                declare(self._base, item, self._reporter)
            elif isinstance(item, ast.Forall | ast.NotExists | ast.Exists):
                self._base.claims = (*self._base.claims, Claim(each.title, item))
        for name, span in self._base.without.items():
            self._check_without(self._base, name, span)

    def _targets(self) -> tuple[Target, ...]:
        """The list of the outermost file that has one."""
        for each in reversed(self._loaded):
            lists = [item for item in each.tree.items if isinstance(item, ast.Targets)]
            if len(lists) > 1:
                self._reporter.report("MM202", "a file has one list of targets", lists[1].span)
            if lists:
                found: list[Target] = []
                for node in lists[0].targets:
                    with self._reporter.collect():
                        target = parse_target(node.name, node.span)
                        self._need_model(target, each.file, node.span)
                        if target in found:
                            self._reporter.report("MM202", f"the target '{target.name}' is named twice", node.span)
                        else:
                            found.append(target)
                return tuple(found)
        return tuple(parse_target(name, None) for name in DEFAULT_TARGETS)

    def _need_model(self, target: Target, file: SourceFile, span: Span) -> None:
        """Report a model that `file` must not name."""
        if not target.is_own:
            return
        try:
            gate.inside(target.model, gate.bounds(file.path))
        except (OSError, ValueError) as error:
            self._reporter.report("MM022", f"'{target.model}' cannot be read: {reason(error)}", span)

    def _lower(
        self, title: str | None, table: Declarations, targets: tuple[Target, ...]
    ) -> tuple[dict[str, set[str]], dict[str, list[str]]]:
        """Lower for every target; the kinds of checks that each requirement has on any of them, and the targets on
        which it has none."""
        kinds: dict[str, set[str]] = {}
        for target in targets:
            program = lower_program(table, target, self._reporter)
            self._programs[target, title] = program
            for each in program.requirements:
                kinds.setdefault(each.name, set()).add(each.kind)
        partly: dict[str, list[str]] = {}
        for target in targets:
            for name in kinds.keys() - {each.name for each in self._programs[target, title].requirements}:
                partly.setdefault(name, []).append(target.name)
        return kinds, partly

    def _check_claims(
        self,
        table: Declarations,
        kinds: dict[str, set[str]],
        partly: dict[str, list[str]],
        title: str | None,
        span: Span | None,
    ) -> None:
        for name, node in table.requirements.items():
            if (name in kinds and name not in partly) or name in table.without:
                continue
            if title is not None and name in self._checkless:
                continue  # said of the program as written
            if title is None:
                self._checkless.add(name)
            where = f" on {', '.join(partly[name])}" if name in partly else ""
            where += f" in the variant '{title}'" if title is not None else ""
            source = node.name.span.file.path
            own = source == self._main.file.path
            what = f"the requirement '{name}'" + ("" if own else f" of {source}")
            place = node.name.span if title is None and own else span or self._head()
            hint = f"write an 'assert … for {name}' or a check, or 'without {name}'"
            self._reporter.report("MM231", f"{what} has no check left{where}", place, hint)
        if title is not None:
            for name, at in table.without.items():
                self._check_without(table, name, at)

    def _check_without(self, table: Declarations, name: str, span: Span) -> None:
        if name not in table.requirements:
            found = near(name, table.requirements)
            self._reporter.report("MM204", f"no requirement is named '{name}'{found}", span)

    def _head(self) -> Span:
        items = self._main.tree.items
        return items[0].span if items else self._main.tree.span

    def _expects(self, title: str | None, variants: tuple[ast.Variant, ...]) -> list[ast.Expect]:
        items: tuple[ast.Node, ...] = self._main.tree.items
        if title is not None:
            items = next(node for node in variants if node.title.value == title).items
        return [item for item in items if isinstance(item, ast.Expect)]

    def _infos(self, tables: Mapping[str | None, Declarations]) -> tuple[RequirementInfo, ...]:
        found: dict[str, RequirementInfo] = {}
        for table in tables.values():
            for node in table.requirements.values():
                found.setdefault(node.name.text, info(node))
        for program in self._programs.values():
            for each in sorted(program.requirements, key=lambda one: KINDS.index(one.kind)):
                span = each.origin.span or self._head()
                found.setdefault(each.name, RequirementInfo(each.name, each.clauses, each.says, span))
        return tuple(found.values())

    def _unchanged(self, variants: Variants) -> Iterator[Diagnostic]:
        """Warnings about variants whose programs are those that they start from."""
        for title, variant in variants.infos.items():
            pairs = [
                (program, self._programs.get((target, variant.base)))
                for (target, of), program in self._programs.items()
                if of == title
            ]
            if pairs and all(start is not None and same(program, start) for program, start in pairs):
                start = "the program as written" if variant.base is None else f"'{variant.base}'"
                message = f"the variant '{title}' changes nothing: it is {start}"
                yield Diagnostic("MM257", message, variant.span, severity="warning")
