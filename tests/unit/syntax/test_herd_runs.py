"""What instructions do, from herd's text to the final state, by both engines: one thread, one outcome."""

from __future__ import annotations

import pytest

from mmcheck.base.source import SourceFile
from mmcheck.verdict.litmus import decide

ARM: dict[str, tuple[str, str, str]] = {
    "pre-index": ("int a[3]={5,6,7}; 0:X1=a;", "LDR W0,[X1,#4]!|LDR W2,[X1,#4]", "0:X0=6 /\\ 0:X2=7 /\\ 0:X1=a[1]"),
    "post-index": ("int a[3]={5,6,7}; 0:X1=a;", "LDR W0,[X1],#8|LDR W2,[X1]", "0:X0=5 /\\ 0:X2=7 /\\ 0:X1=a[2]"),
    "index back": ("int a[2]={5,6}; 0:X1=a[1];", "LDUR W0,[X1,#-4]|STR W0,[X1,#-4]!", "0:X0=5 /\\ 0:X1=a"),
    "store, indices": ("int64_t a[3]; 0:X1=a; 0:X0=9;", "STR X0,[X1,#8]!|STR X0,[X1],#8", "a={0,9,0} /\\ 0:X1=a[2]"),
    "register index": ("int64_t a[2]={1,2}; 0:X1=a; 0:X2=8;", "LDR X0,[X1,X2]", "0:X0=2"),
    "shifted index": ("int64_t a[2]={1,2}; 0:X1=a; 0:X2=1;", "LDR X0,[X1,X2,LSL #3]", "0:X0=2"),
    "extended index": ("int a[2]={1,2}; 0:X1=a[1]; 0:W2=-1;", "LDR W0,[X1,W2,SXTW #2]", "0:X0=1"),
    "zero-extended index": ("int a[2]={1,2}; 0:X1=a; 0:X2=1;", "LDR W0,[X1,W2,UXTW #2]", "0:X0=2"),
    "W clears the upper half": ("int64_t 0:X0=-1; x=3; 0:X1=x;", "LDR W0,[X1]", "0:X0=3"),
    "LDRSW": ("x=-3; 0:X1=x;", "LDRSW X0,[X1]|LDR W2,[X1]", "0:X0=-3 /\\ 0:W2=-3"),
    "X accesses": ("int64_t x=-1; 0:X1=x;", "LDR X0,[X1]|ADD X0,X0,#3|STR X0,[X1]", "x=2"),
    "CSEL family": (
        "0:X1=1; 0:X2=5;",
        "CMP W1,#1|CSEL W3,W1,W2,EQ|CSINC W4,W1,W2,NE|CSET W5,GT|CSETM W6,EQ|CINC W7,W2,EQ",
        "0:X3=1 /\\ 0:X4=6 /\\ 0:X5=0 /\\ 0:W6=-1 /\\ 0:X7=6",
    ),
    "TBZ, TBNZ": ("0:X1=4;", "TBZ W1,#2,a|MOV W0,#1|a: TBNZ X1,#2,b|MOV W0,#2|b:", "0:X0=1"),
    "CBZ, CBNZ": ("", "CBZ W1,a|MOV W0,#1|a: CBNZ W1,b|MOV W2,#2|b:", "0:X0=0 /\\ 0:X2=2"),
    "signed branches": ("0:W1=-1;", "CMP W1,#1|B.LT a|MOV W0,#1|a: B.HI b|MOV W2,#1|b:", "0:X0=0 /\\ 0:X2=0"),
    "bits": ("0:X1=12; 0:X2=10;", "AND W3,W1,W2|ORR W4,W1,W2|EOR W5,W1,W2|BIC W6,W1,W2",
             "0:X3=8 /\\ 0:X4=14 /\\ 0:X5=6 /\\ 0:X6=4"),
    "TST": ("0:X1=12;", "TST W1,#3|CSET W0,EQ", "0:X0=1"),
    "extensions": ("int64_t 0:X1=-1;", "UXTW X0,W1|SXTW X2,W1", "0:X0=4294967295 /\\ 0:X2=-1"),
    "a loop": ("", "a: ADD W0,W0,#1|CMP W0,#2|B.NE a", "0:X0=2"),
    "exclusives": ("x=5; 0:X1=x; 0:X2=7;", "LDAXR W0,[X1]|STLXR W3,W2,[X1]|CBNZ W3,a|LDR W4,[X1]|a:",
                   "0:X3=1 /\\ x=5 \\/ 0:X3=0 /\\ x=7 /\\ 0:X4=7"),
    "CAS": ("x=5; y=5; 0:X1=x; 0:X2=y; 0:X3=5; 0:X4=6;", "CASAL W3,W4,[X1]|MOV W5,#9|CAS W5,W4,[X2]",
            "x=6 /\\ y=5 /\\ 0:X3=5 /\\ 0:X5=5"),
    "one register twice": ("x=5; 0:X1=x; 0:X0=2; 0:X2=3;", "LDADD W0,W0,[X1]|SWP W2,W2,[X1]",
                           "x=3 /\\ 0:X0=5 /\\ 0:X2=7"),
    "RET": ("", "MOV W0,#1|RET|MOV W0,#2", "0:X0=1"),
}  # fmt: skip

_ATOMICS = {"SWP": 6, "LDADD": 12 + 6, "LDCLR": 12 & ~6, "LDEOR": 12 ^ 6, "LDSET": 12 | 6}
for _name, _new in _ATOMICS.items():
    for _order in ("", "A", "L", "AL"):
        ARM[_name + _order] = ("x=12; 0:X1=x; 0:X2=6;", f"{_name}{_order} W2,W3,[X1]", f"x={_new} /\\ 0:X3=12")
        ARM[f"{_name}{_order} X"] = (
            "int64_t x=12; 0:X1=x; 0:X2=6;", f"{_name}{_order} X2,X3,[X1]", f"x={_new} /\\ 0:X3=12",
        )  # fmt: skip
    if _name != "SWP":
        for _order in ("", "L"):
            _short = f"ST{_name[2:]}{_order}"
            ARM[_short] = ("x=12; 0:X1=x; 0:X2=6;", f"{_short} W2,[X1]", f"x={_new}")

X86 = {
    "moves": ("x=7;", "movl (x),%eax|movl %eax,%ebx|movl $3,%ecx|movl %ecx,(x)", "0:rax=7 /\\ 0:rbx=7 /\\ x=3"),
    "32 bits clear the upper half": ("int64_t 0:rax=-1;", "movl $1,%eax", "0:rax=1"),
    "xchg": ("x=7; 0:rax=2;", "xchgl %eax,(x)", "x=2 /\\ 0:rax=7"),
    "lock add": ("x=12;", "lock addl $6,(x)", "x=18"),
    "lock inc": ("x=12;", "lock incl (x)", "x=13"),
    "lock dec": ("x=12;", "lock decl (x)", "x=11"),
    "lock or": ("x=12;", "lock orl $1,(x)", "x=13"),
    "lock and": ("x=12;", "lock andl $6,(x)", "x=4"),
    "xadd": ("x=7; 0:rax=2;", "lock xaddl %eax,(x)", "x=9 /\\ 0:rax=7"),
    "cmpxchg": (
        "x=7; y=7; 0:rax=7; 0:rbx=1;",
        "lock cmpxchgl %ebx,(x)|je a|movl $9,%ecx|a: movl $5,%eax|lock cmpxchgl %ebx,(y)|jne b|movl $9,%ecx|b:",
        "x=1 /\\ y=7 /\\ 0:rax=7 /\\ 0:rcx=0",
    ),
    "arithmetic": ("0:rax=12; 0:rbx=10;", "movl %eax,%ecx|andl %ebx,%ecx|subl %ebx,%eax|xorl %ebx,%ebx",
                   "0:rcx=8 /\\ 0:rax=2 /\\ 0:rbx=0"),
    "test and jump": ("0:rax=4;", "testl $4,%eax|jz a|movl $1,%ebx|a: cmpl $5,%eax|jge b|movl $1,%ecx|b:",
                      "0:rbx=1 /\\ 0:rcx=1"),
    "memory that is not locked": ("x=7; y=7;", "addl $1,(x)|subl $3,(y)", "x=8 /\\ y=4"),
    "a pointer": ("int64_t p=x; x=7;", "movq (p),%rax|movl (%rax),%ebx", "0:rbx=7"),
}  # fmt: skip
OLD = {
    "moves": ("x=7;", "MOV EAX,[x]|MOV EBX,EAX|MOV ECX,$3|MOV [x],ECX", "0:EAX=7 /\\ 0:EBX=7 /\\ x=3"),
    "xchg": ("x=7; 0:EAX=2;", "XCHG [x],EAX", "x=2 /\\ 0:EAX=7"),
    "lock add": ("x=12;", "LOCK ADD [x],$6", "x=18"),
    "lock inc": ("x=12;", "LOCK INC [x]", "x=13"),
    "lock dec": ("x=12;", "LOCK DEC [x]", "x=11"),
    "lock or": ("x=12;", "LOCK OR [x],$1", "x=13"),
    "xadd": ("x=7; 0:EAX=2;", "LOCK XADD [x],EAX", "x=9 /\\ 0:EAX=7"),
    "cmpxchg": ("x=7; 0:EAX=7; 0:EBX=1;", "LOCK CMPXCHG [x],EBX", "x=1 /\\ 0:EAX=7"),
    "arithmetic": ("0:EAX=12; 0:EBX=10;", "MOV ECX,EAX|AND ECX,EBX|SUB EAX,EBX|OR ECX,$1|XOR EBX,EBX|ADD EBX,$2",
                   "0:ECX=9 /\\ 0:EAX=2 /\\ 0:EBX=2"),
    "test and jump": ("0:EAX=4;", "TEST EAX,$4|JZ a|MOV EBX,$1|a: CMP EAX,$5|JGE b|MOV ECX,$1|b:",
                      "0:EBX=1 /\\ 0:ECX=1"),
    "fences": ("", "MFENCE|LFENCE|SFENCE|MOV [x],$1", "x=1"),
}  # fmt: skip
RUNS = [
    pytest.param(arch, *test, id=f"{arch} {name}")
    for arch, tests in (("AArch64", ARM), ("X86_64", X86), ("X86", OLD))
    for name, test in tests.items()
]


@pytest.mark.parametrize(("arch", "init", "code", "outcome"), RUNS)
def test_one_thread_has_one_outcome(arch: str, init: str, code: str, outcome: str) -> None:
    rows = "".join(f" {cell} ;\n" for cell in code.split("|"))
    text = f"{arch} T\n{{ {init} }}\n P0 ;\n{rows}forall ({outcome})\n"
    for engine in ("smt", "enumerate"):
        (found,) = decide([SourceFile("t.litmus", text)], engine=engine)
        assert [each.render() for each in found.diagnostics] == []
        assert found.observation == "Always", f"{engine}\n{text}"


def test_the_test_can_fail() -> None:
    text = "AArch64 T\n{ x=12; 0:X1=x; 0:X2=6; }\n P0 ;\n LDADD W2,W3,[X1] ;\nforall (x=6)\n"
    assert [each.observation for each in decide([SourceFile("t.litmus", text)])] == ["Never"]
