"""LLVM: texts of functions become machine code in memory, or come from the cache on disk.

Code is kept in *units*: an object file, the names that it defines, and the names of other functions that it calls. A
function's name says all about its text (it holds a hash of it), so a name that is in memory is never compiled again. On
disk, a file holds the units of all that was asked for in one go: a program that was compiled by an earlier process
needs one file. Objects refer to each other by name alone, so that they are valid in every process.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import importlib
import importlib.util
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wengert.compiler.native import cache, elf
from wengert.compiler.native.target import Target, host
from wengert.compiler.native.world import immortal

__all__ = ["Engine", "Source", "Unit", "engine", "library_version", "name_of"]


@dataclass(frozen=True)
class Source:
    """IR that defines functions: their names, and what it calls besides LLVM's intrinsics.

    ``optimise`` moves variables from memory to registers first.
    """

    text: str
    provides: tuple[str, ...]
    needs: tuple[str, ...] = ()
    optimise: bool = False


@dataclass(frozen=True)
class Unit:
    """Compiled :class:`Source`."""

    provides: tuple[str, ...]
    needs: tuple[str, ...]
    code: bytes


def name_of(text: str, prefix: str = "wg_") -> str:
    """A name that stands for a text."""
    return prefix + hashlib.sha256(text.encode()).hexdigest()[:32]


class Engine:
    """All compiled functions of the process, by name.

    ``library`` makes the source of a function that others call: vector mathematics.
    """

    def __init__(self, target: Target, library: Callable[[str], Source]) -> None:
        self.target, self.library = target, library
        self.addresses: dict[str, int] = {}
        self._units: dict[str, Unit] = {}  # by the names they provide
        self._lock = threading.RLock()

    def functions(self, names: Iterable[str], build: Callable[[Sequence[str]], Source]) -> dict[str, int]:
        """Addresses of functions. ``build`` makes the source of those that were never compiled."""
        wanted = tuple(sorted(set(names)))
        with self._lock:
            if any([name not in self.addresses for name in wanted]):
                self._obtain(wanted, build)
            return {name: self.addresses[name] for name in wanted}

    def renew_lock(self) -> None:
        """In a process that was forked: the thread that had the lock may not be there."""
        self._lock = threading.RLock()

    def _obtain(self, wanted: tuple[str, ...], build: Callable[[Sequence[str]], Source]) -> None:
        key = "\n".join((self.target.key, *wanted))
        units = self._read(key)
        if units is None or not set(wanted) <= {name for unit in units for name in unit.provides}:
            missing = [name for name in wanted if name not in self.addresses]
            self._load(self._compile(build(missing)))
            cache.write(key, _packed(self._closure(wanted)))
        else:
            for unit in units:
                self._load(unit)

    def _read(self, key: str) -> list[Unit] | None:
        blobs = cache.read(key)
        if blobs is None:
            return None
        units = []
        for head, code in blobs.items():
            provides, _, needs = head.partition("\n")
            units.append(Unit(tuple(provides.split()), tuple(needs.split()), code))
        return units

    def _closure(self, names: Iterable[str]) -> list[Unit]:
        """The units that define functions and all that these call, what is called first."""
        found: dict[int, Unit] = {}

        def visit(name: str) -> None:
            unit = self._units[name]
            if id(unit) not in found:
                for needed in unit.needs:
                    visit(needed)
                found[id(unit)] = unit

        for name in names:
            visit(name)
        return list(found.values())

    def _compile(self, source: Source) -> Unit:
        import llvmlite.binding as llvm

        machine = self.target.machine()  # which makes LLVM ready
        module = llvm.parse_assembly(source.text, llvm.create_context())
        module.verify()
        if source.optimise:
            passes = llvm.create_new_module_pass_manager()
            passes.add_sroa_pass()
            passes.add_simplify_cfg_pass()
            passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
        return Unit(source.provides, source.needs, machine.emit_object(module))

    def _load(self, unit: Unit) -> None:
        """Put a unit into memory, unless all it defines is there."""
        if all([name in self.addresses for name in unit.provides]):
            return
        for name in unit.needs:
            if name not in self.addresses:
                self._load(self._units.get(name) or self._compile(self.library(name)))
        found = self._placed(unit)
        for name in unit.provides:
            self.addresses.setdefault(name, found[name])
            self._units.setdefault(name, unit)

    def _placed(self, unit: Unit) -> dict[str, int]:
        """Put an object file into memory; where its functions are."""
        if elf.SUPPORTED:
            with contextlib.suppress(elf.Refused):
                return elf.load(unit.code, self._address_of)
        import llvmlite.binding as llvm

        for name in unit.needs:
            llvm.add_symbol(name, self.addresses[name])
        machine = self.target.machine()  # which makes LLVM ready
        loader = immortal(llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine))
        loader.add_object_file(llvm.ObjectFileRef.from_data(unit.code))
        loader.finalize_object()
        return {name: loader.get_function_address(name) for name in unit.provides}

    def _address_of(self, name: str) -> int:
        """Where a function is that compiled code calls: one of its own kind, or of the C library."""
        if name in self.addresses:
            return self.addresses[name]
        try:
            return ctypes.cast(ctypes.CDLL(None)[name], ctypes.c_void_p).value or 0
        except AttributeError:
            raise elf.Refused(f"no function {name}") from None


def _packed(units: Iterable[Unit]) -> Mapping[str, bytes]:
    return {"\n".join((" ".join(unit.provides), " ".join(unit.needs))): unit.code for unit in units}


_STARTING = threading.Lock()


@functools.cache
def _only(target: Target) -> Engine:
    made = Engine(target, _vector_mathematics)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=made.renew_lock)
    return made


@functools.cache
def engine() -> Engine:
    """The process's engine, which is made by the first call."""
    with _STARTING:
        return _only(host())


_LIBRARY = "wengert.compiler.vecmath"
"""Imported when a function has to be compiled; a process that finds all in the cache does without."""


def _vector_mathematics(symbol: str) -> Source:
    """The source of ``wg_exp_v8f64`` and its kin."""
    found = re.fullmatch(r"wg_(\w+)_v(\d+)f(32|64)", symbol)
    if found is None:
        raise ValueError(f"There is no function {symbol}.")
    name, width, bits = found.groups()
    text = importlib.import_module(_LIBRARY).module_ir(np.dtype(f"f{int(bits) // 8}"), int(width), (name,))
    return Source(text, (symbol,))


@functools.cache
def library_version() -> str:
    """What tells the vector mathematics that is installed from others."""
    spec = importlib.util.find_spec(_LIBRARY)
    try:
        with os.scandir(os.path.dirname(spec.origin or "") if spec else "") as files:  # noqa: PTH120
            found = [(file.name, file.stat()) for file in files if file.name.endswith(".py")]
    except OSError:  # in an archive
        return str(importlib.import_module(_LIBRARY).VERSION)
    return " ".join(sorted(f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in found))
