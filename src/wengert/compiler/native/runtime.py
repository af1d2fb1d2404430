"""The runtime: the native functions that all programs share, as one unit that is compiled once."""

from __future__ import annotations

import ctypes
import functools
import inspect
import platform
from collections.abc import Sequence
from typing import Any

from wengert.compiler.native import arguments, crew, loop, pool, results, walk, words, world
from wengert.compiler.native.engine import Source, engine, name_of

__all__ = ["addresses", "release_memory", "run_table", "world_with_pool"]

POOL_LIMIT = 256 << 20
"""Bytes of freed outputs that are kept for reuse."""

_SUBSET = (crew, loop, pool, arguments, results, walk)
_CORE = ("run_table", "add_words", "enter", "pool_malloc", "pool_calloc", "pool_realloc", "pool_free", "pool_trim",
         "work", "share")  # fmt: skip


_PAUSE_X86 = """declare void @llvm.x86.sse2.pause()
define internal void @wait_a_little() {
  call void @llvm.x86.sse2.pause()
  ret void
}
"""
_PAUSE_ARM = """declare void @llvm.aarch64.hint(i32)
define internal void @wait_a_little() {
  call void @llvm.aarch64.hint(i32 1)
  ret void
}
"""


@functools.cache
def addresses() -> dict[str, int]:
    """Addresses of the functions that every program needs, by their names in this package."""
    text = [inspect.getsource(module) for module in (words, *_SUBSET)]
    constants = [f"{name}={value}" for module in _SUBSET for name, value in vars(module).items() if type(value) is int]
    prefix = name_of("\n".join((*text, *constants)), "wg_r") + "_"

    def build(_: Sequence[str]) -> Source:
        text = "".join(words.translate(inspect.getsource(module), vars(module)) for module in _SUBSET)
        arm = platform.machine().lower() in ("arm64", "aarch64")
        text += _PAUSE_ARM if arm else _PAUSE_X86
        text = text.replace("define i64 @", "define internal i64 @")
        for name in _CORE:
            text = text.replace(f"@{name}(", f"@{prefix}{name}(")
            text = text.replace(f"define internal i64 @{prefix}{name}(", f"define i64 @{prefix}{name}(")
        return Source(text, tuple(prefix + name for name in _CORE), optimise=True)

    found = engine().functions([prefix + name for name in _CORE], build)
    return {name: found[prefix + name] for name in _CORE}


@functools.cache
def _run_table() -> Any:
    return ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(addresses()["run_table"])


def run_table(table: int, bases: int, counters: int, argv: int) -> None:
    """``loop.run_table``, without the interpreter's lock."""
    _run_table()(table, bases, counters, argv)


class _Handler(ctypes.Structure):
    """NumPy's ``PyDataMem_Handler``."""

    _fields_ = (
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("context", ctypes.c_void_p),
        ("malloc", ctypes.c_void_p),
        ("calloc", ctypes.c_void_p),
        ("realloc", ctypes.c_void_p),
        ("free", ctypes.c_void_p),
    )


@functools.cache
def _pool_state() -> ctypes.Array[ctypes.c_int64]:
    state = world.immortal((ctypes.c_int64 * (pool.BLOCKS // 8 + pool.KEPT_BLOCKS))())
    state[pool.WORLD // 8] = ctypes.addressof(world.world())
    state[pool.LIMIT // 8] = POOL_LIMIT
    return state


@functools.cache
def world_with_pool() -> int:
    """The address of the table of ``world.py``, with the capsule that holds NumPy's handler of large memory."""
    table = world.world()
    functions = [addresses()[f"pool_{name}"] for name in ("malloc", "calloc", "realloc", "free")]
    handler = world.immortal(_Handler(b"wengert", 1, ctypes.addressof(_pool_state()), *functions))
    new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
        ("PyCapsule_New", ctypes.pythonapi)
    )
    name = world.immortal(ctypes.create_string_buffer(b"mem_handler"))
    capsule = new(ctypes.addressof(handler), ctypes.addressof(name), None)
    table[world.POOL // 8] = id(world.immortal(capsule))
    return ctypes.addressof(table)


def release_memory(keep: int = 0) -> None:
    """Give memory of freed outputs back to the system, but for ``keep`` bytes."""
    trim = ctypes.PYFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 3)(addresses()["pool_trim"])
    trim(ctypes.addressof(_pool_state()), keep, pool.KEPT_BLOCKS)
