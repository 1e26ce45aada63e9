"""The compilers that are there, and what they make of a translation unit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from mmcheck.base.records import record
from tests.compilers.assembly import AARCH64, ARCHS, Arch, functions
from tests.compilers.form import Body
from tests.compilers.generate import OPERATIONS
from tests.compilers.printers import C, Rust


class Missing(Exception):
    """The compiler is not here, or does not compile for this architecture."""


C_FLAGS = (
    "-S", "-fno-pic", "-fomit-frame-pointer", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
    "-ffreestanding", "-w",
)  # fmt: skip
FEATURES = {
    "aarch64": {"": "armv8-a", "lse": "armv8-a+lse", "rcpc": "armv8-a+rcpc", "lse,rcpc": "armv8-a+lse+rcpc"},
    "x86-64": {"": ""},
}


@record
class Compiler:
    """`name` is ``clang``, ``gcc`` or ``rustc``; `command` is how it is called, `version` what it says of itself."""

    name: str
    arch: Arch
    command: tuple[str, ...]
    version: str

    @property
    def operations(self) -> tuple[str, ...]:
        """The read-modify-writes that it has: gcc knows no maximum."""
        return tuple([op for op in OPERATIONS if self.name != "gcc" or op != "max"])

    @property
    def profile(self) -> str:
        """The table of what it keeps (docs/compiler.md)."""
        return "gcc" if self.name == "gcc" else "llvm"

    @property
    def printer(self) -> C | Rust:
        return Rust() if self.name == "rustc" else C()

    def options(self, level: int, features: str) -> list[str]:
        if self.name == "rustc":
            out = ["--emit", "asm", "--crate-type", "lib", "-C", f"opt-level={level}", "-C", "relocation-model=static"]
            out += ["-C", "panic=abort", "-C", "codegen-units=1"]
            if self.arch is AARCH64:
                wanted = ",".join(f"+{each}" for each in features.split(",") if each)
                out += ["--target", "aarch64-unknown-none", "-C", f"target-feature={wanted or '-outline-atomics'}"]
            return out
        out = [f"-O{level}", *C_FLAGS]
        if self.name == "clang":
            triple = "aarch64-linux-gnu" if self.arch is AARCH64 else "x86_64-linux-gnu"
            out += [f"--target={triple}", "-fno-vectorize", "-fno-slp-vectorize"]
        else:
            out += ["-fno-tree-vectorize", "-fno-ident", "-fcf-protection=none"]
        if self.arch is AARCH64:
            out += ["-mno-outline-atomics", f"-march={FEATURES['aarch64'][features]}"]
        return out

    def compile(self, bodies: Sequence[tuple[str, Body]], level: int, features: str = "") -> dict[str, tuple[str, ...]]:
        """The assembly of each function, by name."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "unit" + self.printer.suffix)
            source.write_text(self.printer.unit(list(bodies)), encoding="utf-8")
            output = Path(folder, "unit.s")
            command = [*self.command, *self.options(level, features), "-o", str(output), str(source)]
            done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=_environment(folder))
            if done.returncode or not output.exists():
                raise RuntimeError(f"{' '.join(command)}\n{done.stderr[:4000]}")
            return functions(output.read_text(encoding="utf-8"), self.arch)


def _environment(folder: str) -> dict[str, str]:
    return {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(Path(tempfile.gettempdir(), "zig-cache")), "TMPDIR": folder}


def find(name: str, arch: str) -> Compiler:
    """The compiler of this name for this architecture. Raises `Missing`, which says why."""
    chosen = ARCHS[arch]
    command: tuple[str, ...]
    if name == "clang":
        if find_spec("ziglang") is None:
            raise Missing("clang: the package ziglang is not installed (pip install 'mmcheck[compilers]')")
        command = (sys.executable, "-m", "ziglang", "clang")
    elif shutil.which(name) is None:
        raise Missing(f"{name} is not on PATH")
    else:
        command = (name,)
    if name == "gcc" and chosen is AARCH64:
        if shutil.which("aarch64-linux-gnu-gcc") is None:
            raise Missing("gcc for aarch64 (aarch64-linux-gnu-gcc) is not on PATH")
        command = ("aarch64-linux-gnu-gcc",)
    if name == "rustc" and chosen is AARCH64:
        root = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True).stdout.strip()
        if not list(Path(root, "lib/rustlib").glob("aarch64-*")):
            raise Missing("rustc has no core library for aarch64")
    said = subprocess.run([*command, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"\d+\.\d+(\.\d+)?", said)
    return Compiler(name, chosen, command, version[0] if version else "?")
