"""The seventeen specifications parse; bounds, line ends and the tree's shape are as documented."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmcheck.base.errors import InputError
from mmcheck.base.source import SourceFile
from mmcheck.language.syntax import ast, parse
from mmcheck.language.syntax.dump import dump
from mmcheck.language.syntax.parse import parse_spec, parse_text

CORPUS = Path(__file__).parents[2] / "data" / "specs17"
SPECS = sorted(CORPUS.rglob("*.litmus"))


def load(path: Path) -> SourceFile:
    return SourceFile(path.name, path.read_text(encoding="utf-8"))


def thread(body: str) -> str:
    return f"thread P0 {{\n{body}\n}}\n"


def statements(body: str) -> tuple[ast.Stmt, ...]:
    (agent,) = parse_text(thread(body)).items
    assert isinstance(agent, ast.Agent)
    return agent.body.statements


def value(text: str) -> ast.Expr:
    (statement,) = statements(f"let a = {text}")
    assert isinstance(statement, ast.Let)
    return statement.value


def brackets(node: ast.Expr) -> str:
    """An expression with all its parentheses."""
    match node:
        case ast.Binary(op, left, right):
            return f"({brackets(left)} {op} {brackets(right)})"
        case ast.Unary(op, operand):
            return f"({op}{brackets(operand)})"
        case ast.Deref(pointer):
            return f"(*{brackets(pointer)})"
        case ast.AddrOf(place):
            return f"(&{brackets(place)})"
        case ast.Cast(inner, ast.NamedType(name)):
            return f"({brackets(inner)} as {name})"
        case ast.Index(base, index):
            return f"{brackets(base)}[{brackets(index)}]"
        case ast.Field(base, name, _):
            return f"{brackets(base)}.{name.text}"
        case _:
            return node.span.text


def code(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_text(text)
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specifications_parse(path: Path) -> None:
    """No diagnostics, and each node's span lies inside of its parent's."""
    tree = parse_spec(load(path))
    for node in ast.walk(tree):
        for child in ast.children(node):
            assert node.span.start <= child.span.start <= child.span.end <= node.span.end


def test_there_are_seventeen() -> None:
    assert len(SPECS) == 17


@pytest.mark.parametrize("name", ["litmus/MP", "bench/ticket", "drivers/vring-interrupt"])
def test_golden_tree(name: str) -> None:
    """The tree of a committed specification does not change."""
    golden = Path(__file__).with_name("golden") / (name.replace("/", "-") + ".txt")
    assert golden.read_text(encoding="utf-8") == dump(parse_spec(load(CORPUS / f"{name}.litmus")))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_line_ends_and_tabs_do_not_matter(path: Path) -> None:
    """CRLF and tabs give the same tree."""
    file = load(path)
    other = SourceFile(path.name, file.text.replace("\n", "\r\n").replace("  ", "\t"))
    assert dump(parse_spec(file)) == dump(parse_spec(other))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("flags & 1 == 0", "((flags & 1) == 0)"),
        ("a - b - 1 < c - d", "(((a - b) - 1) < (c - d))"),
        ("a || b && c == d | e ^ f & g << h + i * j", "(a || (b && (c == (d | (e ^ (f & (g << (h + (i * j)))))))))"),
        ("-a as u16 * b", "(((-a) as u16) * b)"),
        ("!a.b[c] && *p", "((!a.b[c]) && (*p))"),
        ("&buf[h].x", "(&buf[h].x)"),
        ("(a + b) * c", "(((a + b)) * c)".replace("((a + b))", "(a + b)")),
        ("(a < b) == (c < d)", "((a < b) == (c < d))"),
        ("p->count", "p.count"),
    ],
)
def test_precedence(text: str, meaning: str) -> None:
    """Rust's precedence."""
    assert meaning == brackets(value(text))


@pytest.mark.parametrize(
    "body",
    [
        "x = 1; y = 2",
        "x = 1\ny = 2",
        "x = 1 // a\n\n/* b\n */ y = 2",
        "x = 1;;\n;\ny = 2;",
        "f(a,\n  b\n  + c,\n)\ny = 2",
        "x = a +\n 1\ny = 2",
        "x = a\n && b\ny = 2",
        "x = { a: 1\n, b: 2\n}\ny = 2",
        "if a\n{ b = 1 }\nelse\n{ b = 2 }\ny = 2",
        "await { let u = x }\nuntil u == 1\nwithin 3 else { return }\n*p = 1",
        "x = a[\n1\n]\n*p = 1",
        "return\n*p = 1",
    ],
)
def test_two_statements(body: str) -> None:
    """What separates statements and what does not."""
    assert len(statements(body)) == 2


def test_statement_shapes() -> None:
    """Labels, anchors, choices and scoped names are where the tree says."""
    (store,) = statements("publish: x.store(1, Ordering::Release?) @612")
    assert isinstance(store, ast.ExprStmt)
    assert isinstance(store.call, ast.MethodCall)
    assert store.label is not None
    assert (store.label.text, store.anchor) == ("publish", 612)
    number, order = store.call.args
    assert (number.choice, order.choice) == (False, True)
    assert isinstance(order.value, ast.Name)
    assert order.value.text == "Ordering::Release"
    assert store.span.text == "publish: x.store(1, Ordering::Release?) @612"


def test_else_if_is_an_if_in_the_else() -> None:
    (statement,) = statements("if a { b = 1 } else if c { b = 2 } else { b = 3 }")
    assert isinstance(statement, ast.If)
    assert statement.otherwise is not None
    (inner,) = statement.otherwise.statements
    assert isinstance(inner, ast.If)
    assert inner.span.text == "if c { b = 2 } else { b = 3 }"
    assert inner.otherwise is not None


CONTEXTUAL = (
    "spec targets include mirrors without const struct memory volatile atomic mmio percpu private latch requirement"
    " cites says forall exists ordered progress asm thread device interrupt on cpu at most when raised nests expect by"
    " holds violated allowed forbidden variant from replace drop add move set with before after to"
)


@pytest.mark.parametrize("word", CONTEXTUAL.split())
def test_contextual_words_are_names(word: str) -> None:
    """Drivers have fields called `device` and `used`: only reserved words are taken."""
    parse_text(
        f"memory {word}, a {{ {word}: u16 }}\n"
        f"fn {word}({word}) {{ {word} = 1; {word}(1); {word}.store(1, relaxed); x = {word}; {word}: nothing }}\n"
        f"thread P0 {{ let {word} = a.{word}; if {word} {{ x = {{ {word}: {word} }} }} }}\n"
        f'variant "v" {{ replace {word} with {word}(1); drop {word}.{word}; add {word}() before {word} }}\n'
    )


def test_bounds() -> None:
    """Too large, too deep, empty and binary are told before the parser runs, and fast."""
    start = time.process_time()
    assert code("x = 1\n" * 1_700_000) == "MM002"
    assert code("thread P0 { x = " + "(" * 10_000 + "1" + ")" * 10_000 + " }") == "MM004"
    assert code("") == "MM001"
    assert code(" \n// nothing\n") == "MM001"
    assert code("memory x\0") == "MM003"
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "text",
    [
        "thread P0 { x = " + "a + " * 300 + "a }",
        "thread P0 { x = " + "-" * 300 + "a }",
        "thread P0 { x = a" + ".b" * 300 + " }",
        "thread P0 { if a { }" + " else if a { }" * 300 + " }",
        "thread P0 { " + "loop { " * 150 + "nothing" + "}" * 151,
    ],
)
def test_deep_trees_without_brackets(text: str) -> None:
    assert code(text) == "MM004"


def test_deep_but_allowed() -> None:
    parse_text("thread P0 { x = " + "(" * 190 + "1" + ")" * 190 + " }")
    dump(parse_text("thread P0 { x = " + "a + " * 200 + "a }"))


def test_long_runs_of_comments_are_linear() -> None:
    """The separator's look-ahead is not tried again for each comment (found by timing)."""
    start = time.process_time()
    parse_text("thread P0 { x = 1" + "\n// a" * 20_000 + "\n}")
    assert time.process_time() - start < 3


def test_recovery() -> None:
    """One diagnostic for each wrong statement, none for the right ones between."""
    text = """memory x, y
const A =
thread P0 {
  asert x == 1
  x = 1 y = 2
  loop {
    retrun x
    y = 1
  }
  fence(relaxed
  y = 3
}
varant "q" { drop x }
variant "v" {
  dorp x
  expect r1 voilated
}
"""
    with pytest.raises(InputError) as caught:
        parse_text(text)
    lines = [each.span.line for each in caught.value.diagnostics if each.span]
    assert lines == [2, 4, 5, 7, 10, 13, 15, 16]


def test_at_most_ten() -> None:
    with pytest.raises(InputError) as caught:
        parse_text("thread P0 {\n" + "x = 1 2\n" * 30 + "}\n")
    assert len(caught.value.diagnostics) == 10


def test_lark_is_imported_late() -> None:
    """The tree can be used without loading the parser."""
    program = "import sys, mmcheck.language.syntax.ast, mmcheck.language.syntax.parse; print('lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_strict_grammar() -> None:
    """No two terminals collide in a state of the lexer."""
    pytest.importorskip("interegular", reason="lark's strict mode needs interegular")  # of the extra 'test'
    parse.build_parser(parse.grammar_path().read_text(encoding="utf-8"), strict=True)


def test_every_rule_is_built() -> None:
    """Each rule of the grammar has its method in the builder."""
    from mmcheck.language.syntax.build_ast import Builder

    parser = parse.build_parser(parse.grammar_path().read_text(encoding="utf-8"))
    rules = {str(rule.alias or rule.origin.name) for rule in parser.rules}
    inlined = {"suffix", "check"}
    missing = {r for r in rules if not r.startswith("_") and not hasattr(Builder, f"_rule_{r}")} - inlined
    assert not missing
