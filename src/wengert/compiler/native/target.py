"""The machine that code is generated for.

LLVM knows it best, but takes long to load. Where the system tells what the processor is, a process that finds its code
in the cache can do without.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import sys
from dataclasses import dataclass
from typing import Any

__all__ = ["Target", "host"]


@dataclass(frozen=True)
class Target:
    """A processor. ``key`` stands for all that generated code depends on: the processor and the version of LLVM.

    ``vector_bytes`` is the width of its vector registers, as far as code uses it; ``codemodel`` is LLVM's.
    """

    key: str
    vector_bytes: int
    codemodel: str = "jitdefault"

    def machine(self) -> Any:
        """A new code generator for it."""
        import llvmlite.binding as llvm

        triple, cpu, features = _described()
        target = llvm.Target.from_triple(triple)
        return target.create_target_machine(
            cpu=cpu, features=features, opt=2, reloc="pic", codemodel=self.codemodel, jit=True
        )


@functools.cache
def host() -> Target:
    """This machine."""
    if sys.platform == "linux" and platform.machine() == "x86_64" and (processor := _processor()):
        names, flags = processor
        return Target("\n".join(("small", *names, _library())), _registers(set(flags.split())), "small")
    triple, cpu, features = _described()
    enabled = {name.removeprefix("+").replace("avx512", "avx512_") for name in features.split(",") if name[:1] == "+"}
    return Target("\n".join((triple, cpu, features, _library())), _registers(enabled))


def _registers(features: set[str]) -> int:
    """Bytes of a vector register. The first processors with registers of 64 slow down when they use them."""
    return 64 if "avx512_vbmi2" in features else 32 if "avx" in features else 16


@functools.cache
def _described() -> tuple[str, str, str]:
    """LLVM's triple, name and features of this machine."""
    import llvmlite.binding as llvm

    if llvm.llvm_version_info < (16, 0, 0):  # before, pointers had types
        raise RuntimeError("this llvmlite is too old; install llvmlite 0.45 or newer")
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def _processor() -> tuple[list[str], str] | None:
    """What Linux says of the first processor: what it is, and its features."""
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123
            lines = dict(line.split(":", 1) for line in iter(file.readline, "\n") if ":" in line)
    except OSError:
        return None
    fields = {name.strip(): value.strip() for name, value in lines.items()}
    if "flags" not in fields:
        return None
    names = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags")
    return [fields.get(name, "") for name in names], fields["flags"]


def _library() -> str:
    """What tells the installed LLVM from others: size and time of llvmlite's files."""
    spec = importlib.util.find_spec("llvmlite")
    folder = os.path.join(os.path.dirname(spec.origin), "binding") if spec and spec.origin else ""  # noqa: PTH118, PTH120
    found = []
    with os.scandir(folder) as files:
        for file in files:
            if "llvmlite" in file.name:
                status = file.stat()
                found.append(f"{file.name} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(sorted(found))
