"""Whether programs can run natively here: the platform, what has to be installed, and a trial.

Native code reads Python's and NumPy's objects in memory. Before the first of it runs, Python looks at the same places
through ctypes; then a small program is put through its paces, results and refusals.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import struct
import sys
import sysconfig
from typing import Any

import numpy as np

from wengert.compiler.native import entry, loop, runtime, world
from wengert.compiler.native.entry import CellGuard, In, Object, Out, PassIn, Static, make_entry
from wengert.compiler.native.linked import Linked, layout
from wengert.compiler.program import ArraySpec, Program

__all__ = ["available", "trial"]


@functools.cache
def available() -> str | None:
    """``None`` if programs can run natively; otherwise the reason why they can't, for a person to read."""
    reason = _unsuitable()
    if reason:
        return reason
    try:
        _look()
        trial()
    except Exception as error:  # whatever it is, NumPy does the work then
        return f"native code did not pass its self-test: {type(error).__name__}: {error}"
    return None


def _unsuitable() -> str | None:
    if os.environ.get("WENGERT_NO_NATIVE", "") not in ("", "0"):
        return "WENGERT_NO_NATIVE is set"
    if sys.implementation.name != "cpython":
        return f"native code needs CPython; this is {sys.implementation.name}"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "free-threaded builds of Python are not supported"
    if struct.calcsize("P") != 8 or sys.byteorder != "little":
        return "native code needs a little-endian platform of 64 bits"
    if importlib.util.find_spec("llvmlite") is None:
        return "llvmlite is not installed"
    return None


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise RuntimeError(f"{what}: expected {expected!r}, found {found!r}")


def _word(address: int) -> int:
    return ctypes.c_int64.from_address(address).value


def _look() -> None:
    """Whether the fields of objects are where native code looks for them."""
    array = np.arange(6.0).reshape(2, 3)
    at = id(array)
    _expect("an object's type", _word(at + world.TYPE), id(np.ndarray))
    _expect("an array's memory", _word(at + world.DATA), array.ctypes.data)
    _expect("an array's rank", ctypes.c_int32.from_address(at + world.NDIM).value, 2)
    dims = _word(at + world.DIMS)
    _expect("an array's shape", (_word(dims), _word(dims + 8)), (2, 3))
    _expect("an array's dtype", _word(at + world.DESCR), id(array.dtype))
    _expect("an array's flags", ctypes.c_int32.from_address(at + world.FLAGS).value, array.flags.num)
    pair = (b"wengert", array)
    _expect("a tuple's items", _word(id(pair) + world.TUPLE_DATA), id(pair[0]))
    _expect("the contents of bytes", ctypes.string_at(id(pair[0]) + world.BYTES_DATA, 7), b"wengert")
    _expect("NumPy's function table", _word(ctypes.addressof(world.world()) + world.NDARRAY), id(np.ndarray))


def adding(size: int, check: bool = True) -> Linked:
    """The program ``(a, b, c) -> (a + b, c + b)`` of int64, ``a`` of ``size`` elements, ``b`` and ``c`` numbers."""
    whole, number = ArraySpec((size,), np.dtype(np.int64)), ArraySpec((), np.dtype(np.int64))
    program = Program((whole, number, number), (whole, number), (), 8, (), 0 if check else None)
    add = runtime.addresses()["add_words"]
    words = [
        loop.CALL,
        add,
        0,
        size,
        4,
        0,
        0,
        16,
        0,
        24,
        0,
        40,
        0,
        8,
        0,
        loop.CALL,
        add,
        0,
        1,
        4,
        0,
        0,
        32,
        0,
        24,
        0,
        48,
        0,
        8,
        0,
    ]
    return layout(program, [*words, loop.END], 4)


def trial() -> None:
    """Run a small program; raise ``RuntimeError`` at the first thing that is not as it should be."""
    token = object()
    variable = token
    cell = (lambda: variable).__closure__[0]  # type: ignore[index]
    arguments = ([In(0), {"b": In(1, int)}], (In(2, np.int64), Static("mode"), Static(None)))
    result = {"sum": Out(0), "numbers": [Out(1, "scalar"), Out(1, "python"), PassIn(0)], "token": (Object(token),)}
    function = make_entry(adding(4), arguments, result, guards=(CellGuard(cell, token),))
    a = np.arange(4)
    rest = (np.int64(5), "mode", None)
    counts = [sys.getrefcount(x) for x in (a, token, np.dtype(np.int64))]
    found: Any = function([a, {"b": 3}], rest)
    _expect("the result", list(found), ["sum", "numbers", "token"])
    _expect("an array", found["sum"].tolist(), [3, 4, 5, 6])
    _expect("numbers", [repr(x) for x in found["numbers"][:2]], [repr(np.int64(8)), "8"])
    _expect("what is passed through", (found["numbers"][2] is a, found["token"][0] is token), (True, True))
    b: Any
    for b in (3.0, True, np.int64(3), None, 1 << 70):
        _expect(f"{b!r} instead of a number", function([a, {"b": b}], rest), NotImplemented)
    for other in (a[::-1], a[:3], a.astype(np.int32), a.reshape(2, 2), a.astype(">i8"), a.tolist(), None):
        _expect("an unsuitable array", function([other, {"b": 3}], rest), NotImplemented)
    for trees in ((), ([a], rest), ((a, {"b": 3}), rest), ([a, {"c": 3}], rest), ([a, {}], rest)):
        _expect("another tree", function(*trees), NotImplemented)
    _expect("another string", function([a, {"b": 3}], (rest[0], "Mode", None)), NotImplemented)
    _expect("a failed run", function([np.array([0, -1, 0, 0]), {"b": 3}], rest), entry.FAILED_RUN)
    variable = None
    _expect("a variable that has changed", function([a, {"b": 3}], rest), NotImplemented)
    del found, other, trees
    _expect(
        "references",
        [sys.getrefcount(x) for x in (a, token, np.dtype(np.int64))],
        [counts[0], counts[1] - 1, counts[2]],
    )
    _large()


def _large() -> None:
    """Large outputs: from the pool, aligned, given back and used again."""
    size = 1 << 16
    function = make_entry(adding(size, check=False), (In(0), In(1, int), In(2, int)), Out(0), long=True)
    a = np.arange(size)
    for b in (1, 2):
        found = function(a, b, 0)
        _expect("a large array", bool(np.array_equal(found, a + b)), True)
        _expect("alignment, ownership", (found.ctypes.data % 64, found.flags.owndata, found.base), (0, True, None))
        found.resize(2 * size)
        _expect("a large array, resized", bool(np.array_equal(found[:size], a + b)), True)
        del found
