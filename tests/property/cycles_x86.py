"""Threads of cycles for x86."""

from __future__ import annotations

from tests.property.cycles import FENCED, Seen, Writer

REGISTERS = ("ebx", "ecx", "edx", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d")
READS = {"movl": 8.0, "atomic": 4.0, "cmpxchg": 2.0, "unlocked": 1.0}
WRITES = {"movl": 8.0, "atomic": 4.0, "cmpxchg": 2.0, "unlocked": 1.0}


class X86(Writer):
    """Locations are named as such; EAX is what CMPXCHG compares with."""

    def fresh(self) -> str:
        self.registers = getattr(self, "registers", -1) + 1
        return REGISTERS[self.registers]

    def result(self) -> str:
        register = self.fresh()
        self.shown.append(full(register))
        return register

    def access(self, kind: str, place: str, data: str | None = None) -> Seen:
        self.places.add(place)
        ways = READS if kind == "R" else WRITES
        way = self.one_of(ways if self.budget > 0 else {"movl": 1.0})
        if way == "movl" and kind == "R":
            register = self.result()
            self.put(f"movl ({place}),%{register}")
            return Seen(full(register))
        if way == "movl":
            value = None if data is not None else self.next_value(place)
            self.put(f"movl {f'%{data}' if data is not None else f'${value}'},({place})")
            return Seen(None, value, True)
        self.budget -= 1
        if way == "cmpxchg":
            return self.compare_and_exchange(place)
        return self.modify(place, "" if way == "unlocked" else "lock ", shown=kind == "R")

    def modify(self, place: str, lock: str, *, shown: bool) -> Seen:
        """A read-modify-write; one without LOCK is two accesses to other CPUs."""
        if not lock:
            self.deviates.add("unlocked")
        names = {"xchgl": 4.0, "xaddl": 1.0} if shown else {"xchgl": 1.0, "xaddl": 0.3, "addl": 2.0, "incl": 1.0}
        name = self.one_of(names)
        if name == "incl":
            self.put(f"{lock}incl ({place})")
            return Seen(None, None, True)
        value = self.next_value(place)
        if name == "addl":
            self.put(f"{lock}addl ${value},({place})")
            return Seen(None, value, True)
        register = self.result()
        self.put(f"movl ${value},%{register}", f"{lock if name == 'xaddl' else ''}{name} %{register},({place})")
        if name == "xchgl":
            self.deviates.discard("unlocked")
        return Seen(full(register), value, True)

    def compare_and_exchange(self, place: str) -> Seen:
        if "rax" in self.shown:  # it is in use
            return self.modify(place, "lock ", shown=True)
        self.shown.append("rax")
        new, value = self.fresh(), self.next_value(place)
        expected = self.pick.choice((0, 0, 1, 5))
        self.put(f"movl ${expected},%eax", f"movl ${value},%{new}", f"lock cmpxchgl ({place}),%{new}")
        return Seen("rax", value, True)

    def joined(self, first: Seen, incoming: str, kind: str, outgoing: str) -> Seen:
        if self.budget == FENCED:
            self.put("mfence")
            return self.access(kind, outgoing)
        register = next((each for each in (*REGISTERS, "eax") if full(each) == first.register), None)
        if first.wrote and self.spend(0.6):
            if self.spend(0.2):
                self.put(f"movl ${self.next_value(incoming)},({incoming})")
            register = self.result()
            self.put(f"movl ({incoming}),%{register}")
        way = self.one_of({"po": 4.0, "mfence": 3.0, "locked": 2.0, "fence": 0.7, "branch": 1.0, "data": 2.0})
        if way == "mfence":
            self.put("mfence")
        elif way == "fence":
            self.put(self.pick.choice(("lfence", "sfence")))
            self.deviates.add("lfence, sfence")
        elif way == "locked":
            self.places.add("s")
            self.put("lock addl $1,(s)")
        elif way == "branch" and register is not None:
            label = f"L{self.number}{len(self.lines)}"
            self.put(f"cmpl $0,%{register}", f"{self.pick.choice(('je', 'jne'))} {label}", f"{label}:")
        return self.access(kind, outgoing, data=register if way == "data" and kind == "W" else None)


def full(register: str) -> str:
    """The name of a register in final states."""
    return register.removesuffix("d") if register[1].isdigit() else "r" + register[1:]
