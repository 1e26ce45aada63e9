"""Threads of cycles in AArch64."""

from __future__ import annotations

from tests.property.cycles import FENCED, PLACES, Seen, Writer

ADDRESSES = {place: f"X{number}" for number, place in enumerate((*PLACES, "s"), 1)}
FENCES = ("DMB SY", "DMB LD", "DMB ST", "DMB ISH", "DSB SY", "DSB LD", "DSB ST", "ISB")
READS = {"LDR": 8.0, "LDAR": 2.0, "LDAPR": 2.0, "atomic": 4.0, "cas": 3.0, "exclusive": 2.0}
WRITES = {"STR": 8.0, "STLR": 2.0, "atomic": 4.0, "cas": 2.0, "exclusive": 2.0}
OPERATIONS = ("ADD", "SET", "EOR", "CLR", "UMAX", "UMIN", "SMAX", "SMIN", "SWP", "SWP")
ORDERS = ("", "", "A", "L", "AL")
PICKS = ("CSEL", "CSEL", "CSET", "CSETM", "CSINC", "CSINV", "CSNEG")


class AArch64(Writer):
    """X1 to X5 hold addresses, W6 and up whatever is needed."""

    def fresh(self) -> str:
        self.registers = getattr(self, "registers", 5) + 1
        return f"W{self.registers}"

    def initial(self) -> list[str]:
        return [f"{self.number}:{ADDRESSES[place]}={place};" for place in sorted(self.places)]

    def result(self) -> str:
        """A register that final states show."""
        register = self.fresh()
        self.shown.append(f"X{register[1:]}")
        return register

    # --- accesses --------------------------------------------------------------------------------

    def access(self, kind: str, place: str, address: str | None = None, data: str | None = None) -> Seen:
        """An access of this kind, or an atomic that has one; by `address`, an offset of 0, or with `data`, a register
        that holds what is to be written."""
        self.places.add(place)
        plain = {"LDR", "LDAR", "LDAPR", "STR", "STLR"}
        ways = READS if kind == "R" else WRITES
        way = self.one_of(ways if self.budget > 0 else {name: chance for name, chance in ways.items() if name in plain})
        if self.budget == FENCED:
            way = "LDR" if kind == "R" else "STR"
        if way in ("LDR", "STR") and address is not None and self.maybe(0.7):
            base = f"[{ADDRESSES[place]},{address},SXTW]"
        else:
            base = f"[{self.base(place, address)}]"
        if way in plain:
            return self.load(way, base) if kind == "R" else self.store(way, base, place, data)
        self.budget -= 1
        if way == "atomic":
            return self.atomic(base, place, data, shown=kind == "R")
        return (self.compare_and_swap if way == "cas" else self.exclusive)(base, place, data)

    def base(self, place: str, address: str | None) -> str:
        if address is None:
            return ADDRESSES[place]
        register = self.fresh().replace("W", "X")
        self.put(f"ADD {register},{ADDRESSES[place]},{address},SXTW")
        return register

    def load(self, way: str, base: str) -> Seen:
        register = self.result()
        self.put(f"{way} {register},{base}")
        return Seen("X" + register[1:])

    def operand(self, place: str, data: str | None) -> tuple[str, int | None]:
        """A register with the value to write, and that value if it is known."""
        if data is not None:
            return data, None
        register, value = self.fresh(), self.next_value(place)
        self.put(f"MOV {register},#{value}")
        return register, value

    def store(self, way: str, base: str, place: str, data: str | None) -> Seen:
        register, value = self.operand(place, data)
        self.put(f"{way} {register},{base}")
        return Seen(None, value, True)

    def atomic(self, base: str, place: str, data: str | None, *, shown: bool) -> Seen:
        operand, value = self.operand(place, data)
        operation, order = self.pick.choice(OPERATIONS), self.pick.choice(ORDERS)
        kept = self.one_of({"result": 6.0 if shown else 2.0, "zero": 1.0, "none": 1.0})
        if operation != "SWP":
            value = None if operation not in ("ADD", "SET", "EOR", "UMAX", "SMAX") else value
        if kept == "none" and operation != "SWP":
            self.put(f"ST{operation}{order.replace('A', '')} {operand},{base}")
            return Seen(None, value, True)
        register = self.result() if kept == "result" else "WZR"
        name = operation if operation == "SWP" else f"LD{operation}"
        self.put(f"{name}{order} {operand},{register},{base}")
        return Seen("X" + register[1:] if kept == "result" else None, value, True)

    def compare_and_swap(self, base: str, place: str, data: str | None) -> Seen:
        operand, value = self.operand(place, data)
        register, expected = self.result(), self.pick.choice((0, 0, 1, 5))
        if expected:
            self.put(f"MOV {register},#{expected}")
        self.put(f"CAS{self.pick.choice(ORDERS)} {register},{operand},{base}")
        return Seen("X" + register[1:], value, True)

    def exclusive(self, base: str, place: str, data: str | None) -> Seen:
        operand, value = self.operand(place, data)
        register, status = self.result(), self.result()
        self.put(f"{self.pick.choice(('LDXR', 'LDXR', 'LDAXR'))} {register},{base}")
        if self.spend(0.3):
            self.store("STR", f"[{ADDRESSES[place]}]", place, None)
        self.put(f"{self.pick.choice(('STXR', 'STXR', 'STLXR'))} {status},{operand},{base}")
        if data is not None:
            self.deviates.add("stxr-data")
        return Seen("X" + register[1:], value, True)

    # --- between -----------------------------------------------------------------------------------

    def joined(self, first: Seen, incoming: str, kind: str, outgoing: str) -> Seen:
        if self.budget == FENCED:
            self.put("DMB SY")
            return self.access(kind, outgoing)
        register = None if first.register is None else "W" + first.register[1:]
        if first.wrote and self.spend(0.7):
            if self.spend(0.2):
                self.store("STR", f"[{ADDRESSES[incoming]}]", incoming, None)
            register = self.again(incoming)
        elif register is not None and self.spend(0.2):
            self.places.add("s")
            self.put(f"STR {self.data(self.picked(register), 's')},[{ADDRESSES['s']}]")
            register = self.again("s")
        ways = {"po": 2.0, "fence": 3.0}
        if register is not None:
            ways |= {"address": 3.0, "ctrl": 2.0, "isb": 1.0, "behind": 1.0} | ({"data": 4.0} if kind == "W" else {})
        way = self.one_of(ways)
        if way == "po" or register is None:
            if way == "fence":
                self.put(self.pick.choice(FENCES))
            return self.access(kind, outgoing)
        if way == "fence":
            self.put(self.pick.choice(FENCES))
            return self.access(kind, outgoing)
        register = self.picked(register)
        if way == "address":
            return self.access(kind, outgoing, address=self.zero(register))
        if way == "data":
            return self.access(kind, outgoing, data=self.data(register, outgoing))
        if way == "behind":  # an access whose address depends, and then in program order
            self.places.add("s")
            other = self.result()
            self.put(f"LDR {other},[{ADDRESSES['s']},{self.zero(register)},SXTW]")
            if self.maybe(0.3):
                self.put("ISB")
            return self.access(kind, outgoing)
        label = f"L{self.number}{len(self.lines)}"
        self.put(f"{self.pick.choice(('CBNZ', 'CBZ'))} {register},{label}", f"{label}:")
        if way == "isb":
            self.put("ISB")
        return self.access(kind, outgoing)

    def again(self, place: str) -> str:
        """A register with what is read at `place`, which the thread has written."""
        register = self.result()
        self.put(f"{self.pick.choice(('LDR', 'LDR', 'LDR', 'LDAR', 'LDAPR'))} {register},[{ADDRESSES[place]}]")
        return register

    def picked(self, register: str) -> str:
        """`register`, or what a comparison with it selects."""
        if not self.maybe(0.35):
            return register
        out, one, other = self.fresh(), self.pick.choice(("WZR", register, self.fresh())), "WZR"
        condition, name = self.pick.choice(("EQ", "NE", "LT")), self.pick.choice(PICKS)
        if one not in ("WZR", register):
            self.put(f"MOV {one},#1")
        self.put(f"CMP {register},#{self.pick.choice((0, 1, 2))}")
        operands = "" if name.startswith("CSET") else f"{one},{other},"
        self.put(f"{name} {out},{operands}{condition}")
        return out

    def zero(self, register: str) -> str:
        """0 that depends on `register`."""
        out = self.fresh()
        self.put(f"EOR {out},{register},{register}")
        return out

    def data(self, register: str, place: str) -> str:
        """Something to write that depends on `register`: a new value, or what it holds."""
        if self.maybe(0.3):
            return register
        out = self.fresh()
        self.put(f"ADD {out},{self.zero(register)},#{self.next_value(place)}")
        return out
