"""``mmcheck verify``: files to results."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mmcheck import __version__
from mmcheck.base import gate
from mmcheck.base.cache import state_folder
from mmcheck.base.crew import LOST, Lost, shared_out
from mmcheck.base.errors import NO_MEMORY, Diagnostic, InputError, InternalError, UnknownVerdict, fail
from mmcheck.base.files import find_files, make_folder, read_source, write
from mmcheck.base.pace import Pace
from mmcheck.base.records import replace
from mmcheck.base.source import SourceFile
from mmcheck.engines.smt.solve import solver_version
from mmcheck.ir.product import SITE, Group, groups
from mmcheck.ir.program import Expr, Op, Program, Reg
from mmcheck.language.herd.columns import is_herd_format
from mmcheck.model.model import Model, load_model
from mmcheck.model.profiles import COMPILERS
from mmcheck.target.targets import Target, of_herd, parse_target, settle
from mmcheck.verdict.check import Checker, engine_of
from mmcheck.verdict.question import Question
from mmcheck.verdict.results import BESIDE, FileReport, Finding, Report, Result

if TYPE_CHECKING:
    from mmcheck.language.herd.read import LitmusTest
    from mmcheck.language.lower.spec import Spec
    from mmcheck.verdict.engine import Engine
    from mmcheck.verdict.litmus import Observed


def verify(
    paths: Sequence[str | Path],
    *,
    targets: Sequence[str] = (),
    variants: Sequence[str] = (),
    bound: int = 2,
    timeout: float | None = None,
    jobs: int = 1,
    engine: str = "auto",
    compiler: str = "observed",
    dump_smt: Path | None = None,
    cache: bool = True,
    on_progress: Callable[[str], None] | None = None,
) -> Report:
    """Check every requirement of the files, on their targets or on `targets`, in all variants or in `variants`.

    `variants` selects by title; ``base`` is the program as written. `timeout` is wall seconds per requirement, `jobs`
    the number of processes. `compiler` is the profile that says what a compiler keeps in order: ``gcc``, ``llvm``,
    ``language``, or ``observed``, what GCC and LLVM both keep (docs/compiler.md). Directories are searched for
    ``*.litmus``. What is wrong with a file becomes diagnostics of its `FileReport`; wrong options raise `InputError`.
    """
    question = Question(tuple(targets), tuple(variants), bound, timeout, engine, compiler, dump_smt)
    return answer(paths, question, jobs=jobs, on_progress=on_progress)


def answer(
    paths: Sequence[str | Path],
    question: Question,
    *,
    jobs: int = 1,
    on_progress: Callable[[str], None] | None = None,
) -> Report:
    """As `verify`."""
    for name in question.targets:
        parse_target(name)
    if question.bound < 1:
        raise fail("MM019", "the bound must be at least 1")
    if question.compiler not in COMPILERS:
        raise fail("MM023", f"unknown compiler '{question.compiler}'", help=f"compilers are {', '.join(COMPILERS)}")
    solver = solver_version()  # loaded before anything is timed
    found, problems = find_files(paths)
    reports = [FileReport(problem.path, diagnostics=(problem,)) for problem in problems]
    done, interrupted = (
        _one_by_one(found, question, on_progress)
        if jobs == 1 or len(found) < 2
        else _in_parallel(found, question, jobs, on_progress)
    )
    reports += done
    missing = [title for title in question.variants if title != "base" and not _has_variant(reports, title)]
    if missing and not interrupted and not any(report.broken for report in reports):
        raise fail("MM020", f"no file has a variant called {missing[0]!r}")
    return Report(tuple(reports), __version__, solver, interrupted)


Progress = Callable[[str], None] | None


def _one_by_one(paths: Sequence[str], question: Question, on_progress: Progress) -> tuple[list[FileReport], bool]:
    """The reports in order, and whether Ctrl-C ended it early."""
    reports = []
    pace = Pace(len(paths), "files")
    for path in paths:
        show = None if on_progress is None else _within(on_progress, path, pace if len(paths) > 1 else None)
        if show is not None:
            show("")
        try:
            reports.append(verify_file(path, question, on_progress=show))
        except KeyboardInterrupt:
            return reports, True
        pace.done += 1
    return reports, False


def _within(on_progress: Callable[[str], None], path: str, pace: Pace | None) -> Callable[[str], None]:
    """Progress in one file as progress in all of them."""
    return lambda text: on_progress(
        ", ".join([each for each in (pace.text() if pace is not None else "", path, text) if each])
    )


def _in_parallel(
    paths: Sequence[str], question: Question, jobs: int, on_progress: Progress
) -> tuple[list[FileReport], bool]:
    """As `_one_by_one`, in processes; a file whose process dies is undecided."""
    reports: list[FileReport] = []
    pace = Pace(len(paths), "files")
    with contextlib.closing(shared_out(partial(verify_file, question=question), paths, jobs)) as results:
        try:
            for path in paths:
                if on_progress is not None:
                    on_progress(f"{pace.text()}, {path}")
                found = next(results)
                lost = replace(question, undecided=LOST)
                reports.append(verify_file(path, lost) if isinstance(found, Lost) else found)
                pace.done += 1
        except KeyboardInterrupt:
            return reports, True
    return reports, False


def _has_variant(reports: Iterable[FileReport], title: str) -> bool:
    return any(result.variant == title for report in reports for result in report.results)


def verify_file(path: str, question: Question, *, on_progress: Progress = None) -> FileReport:
    """One file, by its format. `on_progress` is told how many of its variants are decided, each on each target."""
    with gate.recording() as made_of:
        return replace(_verify_file(path, question, on_progress), made_of=made_of)


def _verify_file(path: str, question: Question, on_progress: Progress) -> FileReport:
    try:
        source = read_source(path)
        if is_herd_format(source.text):
            return FileReport(path, _verify_herd(source, question))
        from mmcheck.language.lower.spec import load_spec  # a quarter of the package, and nothing to herd's files

        spec = load_spec(source)
        if spec.is_library:
            return FileReport(path, notes=("a library: nothing to check in this file alone",))
        spec.demand_claims()
        return FileReport(path, tuple(_verify_spec(spec, question, on_progress)), spec.warnings)
    except InputError as error:
        return FileReport(path, diagnostics=error.diagnostics)
    except MemoryError:
        if question.undecided:
            raise
        return _verify_file(path, replace(question, undecided=NO_MEMORY), None)
    except InternalError as error:
        saved = _save_dump(path, str(error), question)
        text = f"internal error: {str(error).splitlines()[0]}"
        return FileReport(path, diagnostics=(Diagnostic("MM900", text, path=path, help=saved),))


def _save_dump(path: str, text: str, question: Question) -> str:
    """Keep what is needed to report an internal error; returns what to tell the user."""
    folder = question.dump_smt or state_folder()
    if folder is not None:
        target = Path(folder) / f"internal-error-{_plain(Path(path).stem)}.txt"
        with contextlib.suppress(OSError, ValueError):
            gate.make_folder(folder)
            gate.write(target, text + "\n")
            return f"please report it; the details are in {target}"
    return "please report it with the file that led to it"


def _plain(name: str) -> str:
    """`name` as a part of the name of a file."""
    return re.sub(r"[^A-Za-z0-9.+_-]+", "-", name)[:60]


# --- specifications ----------------------------------------------------------------------------------


def _verify_spec(spec: Spec, question: Question, on_progress: Progress) -> Iterable[Result]:
    """Results in the order variant, requirement, target."""
    targets = [settled(parse_target(name)) for name in question.targets] or [settled(each) for each in spec.targets]
    titles: list[str | None] = [None, *[variant.title for variant in spec.variants]]
    if question.variants:
        titles = [title for title in titles if (title or "base") in question.variants]
    checkers = _checkers(spec, targets, titles, question)
    pace = Pace(sum(spec.applicable(title, target) for title in titles for target in targets), "programs")
    for title in titles:
        collected: list[tuple[int, int, Result]] = []
        for place, target in enumerate(targets):
            if not spec.applicable(title, target):
                continue
            program = spec.program(target, title)
            checker = checkers(target, title)
            for number, requirement in enumerate(program.requirements):
                if on_progress is not None:
                    on_progress(pace.text())
                if question.undecided:
                    finding = Finding(requirement, "unknown", complete=False, notes=(question.undecided,))
                else:
                    finding = checker.run(requirement)
                collected.append((number, place, _result(spec, title, target, checker.engine, finding, question)))
            pace.done += 1
            _dump(checker.engine, spec, title, target, question)
            verdicts = {result.verdict for _, at, result in collected if at == place}
            if "violated" not in verdicts and verdicts != {"unknown"}:
                checker.engine.refuse_astray()
        yield from [result for _, _, result in sorted(collected, key=lambda each: each[:2])]


def _checkers(
    spec: Spec, targets: Sequence[Target], titles: Sequence[str | None], question: Question
) -> Callable[[Target, str | None], Checker]:
    """What decides a variant on a target: of variants that differ in barriers alone, by one encoding."""
    if question.engine == "enumerate":
        return lambda target, title: Checker(make_engine(spec.program(target, title), target, question))
    from mmcheck.verdict.solver import Solver

    grouped: dict[tuple[Target, str | None], tuple[Group, str]] = {}
    alike: dict[tuple[str, bool, str], dict[str, tuple[Target, str | None]]] = {}
    for target in targets:
        for title in titles:
            if spec.applicable(title, target):
                those = alike.setdefault((target.model, target.compiled, target.architecture.name), {})
                those[f"{len(those)}"] = target, title
    for those in alike.values():
        for group in groups({name: spec.program(*key) for name, key in those.items()}):
            grouped.update({those[name]: (group, name) for name in group.names})
    first: dict[int, Solver] = {}

    def checker(target: Target, title: str | None) -> Checker:
        group, name = grouped[target, title]
        known = first.get(id(group))
        if known is None:
            made = make_engine(group.program, target, question)
            assert isinstance(made, Solver)
            known = first[id(group)] = made
        return Checker(known.sibling({SITE: name}))

    return checker


def settled(target: Target) -> Target:
    """`target` with the machine and layer that its ``.cat`` file implies. Raises `InputError` if that is wrong."""
    return settle(target, load_model(target.model).polarities()) if target.is_own else target


def make_engine(program: Program, target: Target, question: Question) -> Engine:
    """The engine for `program` on `target`. Raises `InputError` if the target's model cannot be used for it."""
    model = load_model(target.model)
    if target.compiled and any(thread.source for thread in program.threads):
        negative = {name for name in ("po", "po-loc") if -1 in model.polarities().get(name, ())}
        if negative and target.is_own:
            raise fail(
                "MM410",
                f"{model.name} uses po in a negative position: the compiler layer cannot be combined with it",
                model.negative(frozenset(negative)),
                path=target.model,
                help="check 'asm thread' programs with it, or write the model without po under '\\' or '~'",
            )
    return engine_of(
        question.engine, program, model, layered=target.compiled, bound=question.bound, timeout=question.timeout,
        profile=question.compiler,
    )  # fmt: skip


def _dump(engine: Engine, spec: Spec, variant: str | None, target: Target, question: Question) -> None:
    """Write what the solver was asked to ``--dump-smt DIR``, one file per program and layer."""
    if question.dump_smt is None:
        return
    make_folder(question.dump_smt)
    for layer, text in engine.dumps().items():
        parts = (Path(spec.path).stem, variant or "base", target.name, layer)
        name = "--".join(map(_plain, parts))
        write(question.dump_smt / f"{name}.smt2", text)


def _result(
    spec: Spec, variant: str | None, target: Target, engine: Engine, finding: Finding, question: Question
) -> Result:  # fmt: skip
    requirement, model = finding.requirement, engine.model
    expected, layer, _ = spec.expected(requirement.name, requirement.kind, target, variant)
    return Result(
        file=spec.path,
        spec=spec.title,
        variant=variant,
        requirement=requirement.name,
        kind=requirement.kind,  # type: ignore[arg-type]
        clauses=(*requirement.clauses, *[c for c in finding.clauses if c not in requirement.clauses]),
        says=requirement.says,
        target=target.name,
        model=f"{model.name}: {model.title}" + (BESIDE if finding.layer == "platform" else ""),
        verdict=finding.verdict,
        expected=expected,  # type: ignore[arg-type]
        bound=question.bound,
        compiler=question.compiler,
        complete=finding.complete,
        layer=finding.layer,
        engine=engine.name,
        notes=finding.notes,
        span=requirement.origin.span,
        seconds=finding.seconds,
        counterexample=finding.counterexample,
        expected_layer=layer,  # type: ignore[arg-type]
    )


# --- herd's files ------------------------------------------------------------------------------------


def _verify_herd(source: SourceFile, question: Question) -> tuple[Result, ...]:
    """``~exists`` and ``forall`` are requirements; ``exists`` is a question, and any answer is as claimed."""
    from mmcheck.language.herd.read import read_litmus

    test = _by_agents(read_litmus(source))
    targets = [parse_target(name) for name in question.targets or (of_herd(test.arch),)]
    return tuple([_herd_result(test, target, question) for target in targets])


def _herd_result(test: LitmusTest, target: Target, question: Question) -> Result:
    from mmcheck.verdict.litmus import observe

    model = load_model(target.model)
    started = time.process_time()
    found = None
    notes: tuple[str, ...] = (question.undecided,)
    try:
        if not question.undecided:
            found = observe(test, model, question)
            notes = found.notes
    except UnknownVerdict as unknown:
        notes = (unknown.reason,)
    asks = test.quantifier == "exists"
    word = "Unknown" if found is None else found.word
    verdict = "unknown"
    if word != "Unknown" and asks:
        verdict = "forbidden" if word == "Never" else "allowed"
    elif word != "Unknown":
        verdict = "holds" if word == ("Never" if test.quantifier == "~exists" else "Always") else "violated"
    shown = None
    if found is not None and verdict in ("violated", "allowed"):
        shown = _shown(test, model, found, question)
        if shown.verdict not in (verdict, "unknown"):
            raise InternalError(f"{test.name} on {target.name}: {verdict}, but its run is {shown.verdict}")
    expected = (verdict if verdict != "unknown" else "forbidden") if asks else "holds"
    return Result(
        file=test.span.file.path,
        spec=test.name,
        variant=None,
        requirement=test.name,
        kind="exists" if asks else "final",
        clauses=(),
        says="",
        target=target.name,
        model=f"{model.name}: {model.title}",
        verdict=verdict,  # type: ignore[arg-type]
        expected=expected,  # type: ignore[arg-type]
        bound=question.bound,
        compiler=question.compiler,
        complete=word != "Unknown" and found is not None and not found.seen.cut,
        layer=None if shown is None else shown.layer,
        engine="smt" if found is None else found.engine.name,
        notes=notes,
        span=test.span,
        seconds=time.process_time() - started,
        counterexample=None if shown is None else shown.counterexample,
    )


def _by_agents(test: LitmusTest) -> LitmusTest:
    """`test` with threads ``P0``, ... instead of ``0``, ..."""
    threads = tuple([replace(thread, name=f"P{thread.name}") for thread in test.program.threads])
    filtered = None if test.filter is None else _of_agents(test.filter)
    program = replace(test.program, threads=threads)
    return replace(test, program=program, condition=_of_agents(test.condition), filter=filtered)


def _shown(test: LitmusTest, model: Model, found: Observed, question: Question) -> Finding:
    """The run that breaks the condition of `test`, or shows it; the solver's, which has less in it, if that may be."""
    engine = found.engine
    if engine.name != "smt" and question.engine != engine.name:
        engine = engine_of(
            "smt", engine.program, model, layered=False, bound=question.bound, timeout=question.timeout,
        )  # fmt: skip
    return Checker(engine).run(engine.program.requirements[0])


def _of_agents(expr: Expr) -> Expr:
    """`expr` with the registers of ``P0`` for those of ``0``."""
    if isinstance(expr, Op):
        return replace(expr, args=tuple(map(_of_agents, expr.args)))
    return replace(expr, name=f"P{expr.name}") if isinstance(expr, Reg) and expr.name[0].isdigit() else expr
