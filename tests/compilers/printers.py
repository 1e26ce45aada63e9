"""A body as a thread of a specification, as a function in C and as one in Rust."""

from __future__ import annotations

from tests.compilers.form import (
    ARRAY,
    PACKED,
    SIZE,
    WORDS,
    Block,
    Body,
    Break,
    Case,
    Fence,
    If,
    Load,
    Look,
    Op,
    Pick,
    Place,
    Poll,
    Put,
    Repeat,
    Return,
    Rmw,
    Set,
    Statement,
    Store,
    Value,
    registers,
)  # fmt: skip

ARM = "armv8, armv8+lse, armv8+rcpc, armv8+lse+rcpc"


class Printer:
    """What the three languages share; the methods that raise are what they do not."""

    end = ""
    """Behind a statement."""

    def value(self, value: Value) -> str:
        if isinstance(value, int):
            return self.number(value)
        if isinstance(value, str):
            return value
        if value.op == "int":
            return self.truth_as_number(self.value(value.args[0]))
        left, right = (self.value(arg) for arg in value.args)
        return self.operation(value.op, left, right)

    def number(self, value: int) -> str:
        return str(value)

    def operation(self, op: str, left: str, right: str) -> str:
        return f"({left} {op} {right})"

    def condition(self, value: Value) -> str:
        """A condition without the parentheses around it."""
        text = self.value(value)
        return text[1:-1] if text.startswith("(") else text

    def block(self, block: Block, indent: str) -> list[str]:
        return [line for each in block for line in self.statement(each, indent)]

    def statement(self, each: Statement, indent: str) -> list[str]:
        match each:
            case If(cond, then, orelse):
                out = [f"{indent}{self.when(self.condition(cond))} {{", *self.block(then, indent + "  ")]
                out += [f"{indent}}} else {{", *self.block(orelse, indent + "  ")] if orelse else []
                return [*out, f"{indent}}}"]
            case Repeat(times, body):
                return [f"{indent}{self.repeat(times)} {{", *self.block(body, indent + "  "), f"{indent}}}"]
            case Poll(look, cond):
                return [indent + line for line in self.poll(look, self.condition(cond))]
        return [indent + self.simple(each) + self.end]

    def simple(self, each: Statement) -> str:
        match each:
            case Load(to, place, order):
                return f"{to} = {self.load(place, order)}"
            case Store(place, value, order):
                return self.store(place, self.value(value), order)
            case Rmw(to, op, place, value, order, expected):
                text = self.rmw(op, place, self.value(value), order, expected)
                return f"{to} = {self.old(op, text)}" if to else text
            case Fence(kind, order):
                return self.fence(kind, order)
            case Set(to, value):
                return f"{to} = {self.value(value)}"
            case Pick(to, cond, then, orelse):
                return self.pick(to, self.condition(cond), self.value(then), self.value(orelse))
            case Return():
                return self.leave()
            case Break():
                return "break"
        raise NotImplementedError(each)

    def old(self, op: str, call: str) -> str:
        """The value before a read-modify-write."""
        return call

    # What each language says in its own way.
    def truth_as_number(self, text: str) -> str:
        raise NotImplementedError

    def when(self, cond: str) -> str:
        raise NotImplementedError

    def repeat(self, times: int) -> str:
        raise NotImplementedError

    def poll(self, look: Load, cond: str) -> list[str]:
        raise NotImplementedError

    def load(self, place: Place, order: str) -> str:
        raise NotImplementedError

    def store(self, place: Place, value: str, order: str) -> str:
        raise NotImplementedError

    def rmw(self, op: str, place: Place, value: str, order: str, expected: int) -> str:
        raise NotImplementedError

    def fence(self, kind: str, order: str) -> str:
        raise NotImplementedError

    def pick(self, to: str, cond: str, then: str, orelse: str) -> str:
        raise NotImplementedError

    def leave(self) -> str:
        raise NotImplementedError


def failing(order: str) -> str:
    """The order of a compare-exchange that fails."""
    return {"release": "relaxed", "acq_rel": "acquire"}.get(order, order)


class Spec(Printer):
    """mmcheck's specification language; the body is the thread ``T``."""

    def place(self, place: Place) -> str:
        return place.name if place.index is None else f"{place.name}[{self.condition(place.index)}]"

    def truth_as_number(self, text: str) -> str:
        return f"({text} as u32)"

    def when(self, cond: str) -> str:
        return f"if {cond}"

    def repeat(self, times: int) -> str:
        return f"repeat {times}"

    def poll(self, look: Load, cond: str) -> list[str]:
        read = f"{look.to}_ = {self.load(look.place, look.order)}"
        return [f"await {{ let {read} }} until {cond.replace(look.to, look.to + '_')}", f"{look.to} = {look.to}_"]

    def load(self, place: Place, order: str) -> str:
        where = self.place(place)
        return {"plain": where, "volatile": f"{where}.read_volatile()"}.get(order, f"{where}.load({order})")

    def store(self, place: Place, value: str, order: str) -> str:
        where = self.place(place)
        plain = {"plain": f"{where} = {value}", "volatile": f"{where}.write_volatile({value})"}
        return plain.get(order, f"{where}.store({value}, {order})")

    def rmw(self, op: str, place: Place, value: str, order: str, expected: int) -> str:
        where = self.place(place)
        if op == "cas":
            return f"{where}.compare_exchange({expected}, {value}, {order}, {failing(order)})"
        return f"{where}.{'swap' if op == 'swap' else 'fetch_' + op}({value}, {order})"

    def old(self, op: str, call: str) -> str:
        return f"{call}.value" if op == "cas" else call

    def fence(self, kind: str, order: str) -> str:
        if kind == "asm":
            return f'on {ARM} {{ asm("dmb ish") }}; on x86-tso {{ asm("mfence") }}'
        return f"{kind}({order})"

    def pick(self, to: str, cond: str, then: str, orelse: str) -> str:
        return f"if {cond} {{ {to} = {then} }} else {{ {to} = {orelse} }}"

    def leave(self) -> str:
        return "return"

    def case(self, case: Case, target: str, question: str = "x == x") -> str:
        """The body as the thread ``T``, its observers as the assembly threads ``O0``, ``O1``; `question`: is there such
        a final state?"""
        lines = [
            f'spec "{case.name} ({case.shape})"',
            f"targets {target}",
            f"memory {', '.join(WORDS)}, {ARRAY}[{SIZE}]",
        ]
        lines += ["thread T {", *[f"  let mut {name}: u32 = 0" for name in registers(case.body)]]
        lines += [*self.block(case.body.statements, "  "), "}"]
        for number, observer in enumerate(case.observers):
            lines.append(f"asm thread O{number} {{")
            for position, each in enumerate(observer):
                lines += ["  smp_mb()"] if position else []
                where = self.place(each.place)
                lines.append(
                    f"  let {each.register} = {where}" if isinstance(each, Look) else f"  {where} = {each.value}"
                )
            lines.append("}")
        return "\n".join([*lines, f"requirement seen {{ exists {question} }}", ""])


class C(Printer):
    """C as gcc and clang take it; memory is extern."""

    end = ";"
    suffix = ".c"
    orders = {
        "relaxed": "RELAXED",
        "acquire": "ACQUIRE",
        "release": "RELEASE",
        "acq_rel": "ACQ_REL",
        "seq_cst": "SEQ_CST",
    }

    def order(self, order: str) -> str:
        return "__ATOMIC_" + self.orders[order]

    def place(self, place: Place) -> str:
        return place.name if place.index is None else f"{place.name}[{self.condition(place.index)}]"

    def number(self, value: int) -> str:
        return f"{value}u"

    def truth_as_number(self, text: str) -> str:
        return f"((u32){text})"

    def when(self, cond: str) -> str:
        return f"if ({cond})"

    def repeat(self, times: int) -> str:
        return f"for (int i = 0; i < {times}; i++)"

    def poll(self, look: Load, cond: str) -> list[str]:
        return [f"do {{ {look.to} = {self.load(look.place, look.order)}; }} while (!({cond}));"]

    def load(self, place: Place, order: str) -> str:
        where = self.place(place)
        known = {"plain": where, "volatile": f"READ_ONCE({where})"}
        return known.get(order) or f"__atomic_load_n(&{where}, {self.order(order)})"

    def store(self, place: Place, value: str, order: str) -> str:
        where = self.place(place)
        known = {"plain": f"{where} = {value}", "volatile": f"WRITE_ONCE({where}, {value})"}
        return known.get(order) or f"__atomic_store_n(&{where}, {value}, {self.order(order)})"

    def rmw(self, op: str, place: Place, value: str, order: str, expected: int) -> str:
        where = self.place(place)
        if op == "cas":
            return f"cas(&{where}, {expected}u, {value}, {self.order(order)}, {self.order(failing(order))})"
        word = "exchange_n" if op == "swap" else f"fetch_{op}"
        return f"__atomic_{word}(&{where}, {value}, {self.order(order)})"

    def fence(self, kind: str, order: str) -> str:
        if kind in C_BARRIERS:
            return C_BARRIERS[kind]
        return f"__atomic_{'thread' if kind == 'fence' else 'signal'}_fence({self.order(order)})"

    def pick(self, to: str, cond: str, then: str, orelse: str) -> str:
        return f"{to} = {cond} ? {then} : {orelse}"

    def pack(self, body: Body) -> str:
        return " | ".join(f"{name} << {PACKED * n}" if n else name for n, name in enumerate(body.result)) or "0"

    def leave(self) -> str:
        return f"return {self.pack(self.body)}"

    def function(self, name: str, body: Body) -> str:
        self.body = body
        start = [f"u32 {name}(void) {{"] + [f"  u32 {r} = 0;" for r in registers(body)]
        return "\n".join([*start, *self.block(body.statements, "  "), f"  return {self.pack(body)};", "}", ""])

    def unit(self, functions: list[tuple[str, Body]]) -> str:
        """A translation unit."""
        return C_HEAD + "\n".join([self.function(name, body) for name, body in functions])


C_BARRIERS = {
    "barrier": '__asm__ volatile("" ::: "memory")',
    "smp_mb": '__asm__ volatile(FULL ::: "memory")',
    "asm": "__asm__ volatile(FULL)",
}
C_HEAD = f"""typedef unsigned u32;
#ifdef __aarch64__
#define FULL "dmb ish"
#else
#define FULL "mfence"
#endif
extern u32 {", ".join(WORDS)}, {ARRAY}[{SIZE}];
#define READ_ONCE(p) (*(const volatile u32 *)&(p))
#define WRITE_ONCE(p, v) (*(volatile u32 *)&(p) = (v))
#define cas(p, e, v, s, f) ({{ u32 e_ = (e); __atomic_compare_exchange_n(p, &e_, v, 0, s, f); e_; }})

"""


class Rust(Printer):
    """Rust without its standard library; memory is extern."""

    end = ";"
    suffix = ".rs"
    orders = {
        "relaxed": "Relaxed",
        "acquire": "Acquire",
        "release": "Release",
        "acq_rel": "AcqRel",
        "seq_cst": "SeqCst",
    }
    arithmetic = {"+": "wrapping_add", "-": "wrapping_sub", "*": "wrapping_mul"}

    def place(self, place: Place) -> str:
        word = f"addr_of_mut!({place.name})"
        return word if place.index is None else f"{word}.cast::<u32>().add({self.value(place.index)} as usize)"

    def atomic(self, place: Place) -> str:
        return f"AtomicU32::from_ptr({self.place(place)})"

    def number(self, value: int) -> str:
        return f"{value}u32"

    def operation(self, op: str, left: str, right: str) -> str:
        return f"{left}.{self.arithmetic[op]}({right})" if op in self.arithmetic else f"({left} {op} {right})"

    def condition(self, value: Value) -> str:
        return self.value(value)

    def truth_as_number(self, text: str) -> str:
        return f"({text} as u32)"

    def when(self, cond: str) -> str:
        return f"if {cond}"

    def repeat(self, times: int) -> str:
        return f"for _ in 0..{times}"

    def poll(self, look: Load, cond: str) -> list[str]:
        return [f"loop {{ {look.to} = {self.load(look.place, look.order)}; if {cond} {{ break; }} }}"]

    def load(self, place: Place, order: str) -> str:
        known = {"plain": f"{self.place(place)}.read()", "volatile": f"{self.place(place)}.read_volatile()"}
        return known.get(order) or f"{self.atomic(place)}.load({self.orders[order]})"

    def store(self, place: Place, value: str, order: str) -> str:
        where = self.place(place)
        known = {"plain": f"{where}.write({value})", "volatile": f"{where}.write_volatile({value})"}
        return known.get(order) or f"{self.atomic(place)}.store({value}, {self.orders[order]})"

    def rmw(self, op: str, place: Place, value: str, order: str, expected: int) -> str:
        where = self.atomic(place)
        if op == "cas":
            call = f"{where}.compare_exchange({expected}, {value}, {self.orders[order]}, {self.orders[failing(order)]})"
            return f"match {call} {{ Ok(v) | Err(v) => v }}"
        return f"{where}.{'swap' if op == 'swap' else 'fetch_' + op}({value}, {self.orders[order]})"

    def fence(self, kind: str, order: str) -> str:
        return RUST_BARRIERS[kind] if kind in RUST_BARRIERS else f"{kind}({self.orders[order]})"

    def pick(self, to: str, cond: str, then: str, orelse: str) -> str:
        return f"{to} = if {cond} {{ {then} }} else {{ {orelse} }}"

    def pack(self, body: Body) -> str:
        return " | ".join(f"{name} << {PACKED * n}" if n else name for n, name in enumerate(body.result)) or "0"

    def leave(self) -> str:
        return f"return {self.pack(self.body)}"

    def function(self, name: str, body: Body) -> str:
        self.body = body
        start = ["#[no_mangle]", f'pub unsafe extern "C" fn {name}() -> u32 {{']
        start += [f"  let mut {r}: u32 = 0;" for r in registers(body)]
        return "\n".join([*start, *self.block(body.statements, "  "), f"  {self.pack(body)}", "}", ""])

    def unit(self, functions: list[tuple[str, Body]]) -> str:
        return RUST_HEAD + "\n".join([self.function(name, body) for name, body in functions])


RUST_BARRIERS = {
    "barrier": 'asm!("", options(nostack, preserves_flags))',
    "smp_mb": "asm!(full!(), options(nostack, preserves_flags))",
    "asm": "asm!(full!(), options(nomem, nostack, preserves_flags))",
}
RUST_HEAD = f"""#![no_std]
#![allow(warnings)]
use core::arch::asm;
use core::ptr::addr_of_mut;
use core::sync::atomic::{{compiler_fence, fence, AtomicU32, Ordering::*}};
extern "C" {{ {" ".join(f"static mut {word}: u32;" for word in WORDS)} static mut {ARRAY}: [u32; {SIZE}]; }}

#[cfg(target_arch = "aarch64")]
macro_rules! full {{ () => {{ "dmb ish" }} }}
#[cfg(target_arch = "x86_64")]
macro_rules! full {{ () => {{ "mfence" }} }}

"""

__all__ = ["C", "Op", "Printer", "Put", "Rust", "Spec", "failing"]
