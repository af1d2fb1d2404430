"""Programs as Python functions: the specification that the native entry (``walk.py``) goes by.

:func:`make_entry` gives a built-in function whose arguments are trees of lists, tuples, dicts, arrays and numbers. It
checks them in full, runs the program and builds the result, a tree as well. It returns ``NotImplemented`` if anything
is not as stated, and ``FAILED_RUN`` if the run set its status; nothing has happened then.
"""

from __future__ import annotations

import ctypes
import math
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from wengert.compiler.native import runtime
from wengert.compiler.native import specification as sp
from wengert.compiler.native.linked import ALIGNMENT, FIRST_SLOT, Linked
from wengert.compiler.native.world import FAILED_RUN, immortal
from wengert.compiler.program import ArraySpec

__all__ = ["FAILED_RUN", "CellGuard", "DictGuard", "In", "Object", "Out", "PassIn", "Static", "Tree", "make_entry"]

Tree: TypeAlias = Any
"""Exact lists, tuples and dicts of leaves: of arguments :class:`In` and :class:`Static`, of results :class:`Out`,
:class:`PassIn` and :class:`Object`."""

_LARGE = 256 << 10
"""Outputs of so many bytes come from the pool."""
_LONG = 50_000


@dataclass(frozen=True)
class In:
    """Input ``index`` of the program: an array of its shape and dtype, or a number.

    ``kind`` is the exact type that the argument must have: ``numpy.ndarray``; ``float``, ``int`` or ``bool`` for an
    input of shape ``()``, whose dtype it is converted to; or a NumPy scalar type, of the input's dtype.
    """

    index: int
    kind: type = np.ndarray


@dataclass(frozen=True)
class Static:
    """A value that must be as it was.

    Of the same type and equal if it is an exact ``int``, ``float``, ``str`` or ``bytes``, where 0.0 is not -0.0 and a
    NaN is itself; otherwise the same object.
    """

    value: Any


@dataclass(frozen=True)
class Out:
    """Output ``index`` of the program.

    As an ``"array"``; one of shape ``()`` also as NumPy's ``"scalar"``, and if it is of float64, int64 or booleans, as
    the ``"python"`` number.
    """

    index: int
    kind: str = "array"


@dataclass(frozen=True)
class PassIn:
    """The very object that was given as input ``index``."""

    index: int


@dataclass(frozen=True)
class Object:
    """An object that is always returned."""

    value: Any


@dataclass(frozen=True)
class CellGuard:
    """The variable of a closure must still be this object."""

    cell: types.CellType
    expected: Any


@dataclass(frozen=True)
class DictGuard:
    """A dict, such as a module's globals, must still map a string to this object."""

    mapping: dict[str, Any]
    key: str
    expected: Any


class _MethodDef(ctypes.Structure):
    """CPython's ``PyMethodDef``."""

    _fields_ = (("name", ctypes.c_char_p), ("meth", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p))


_FASTCALL = 0x80
_DEFINITION: list[_MethodDef] = []


def make_entry(
    linked: Linked,
    arguments: Sequence[Tree],
    result: Tree,
    captured: Sequence[tuple[int, np.ndarray[Any, Any]]] = (),
    guards: Sequence[CellGuard | DictGuard] = (),
    long: bool | None = None,
) -> Callable[..., Any]:
    """A function of positional arguments, one for each tree of ``arguments``, that returns the tree ``result``.

    ``captured`` are arrays that the program reads without their being arguments, as ``(input, array)``; they are
    checked, and their memory is looked up, at each call. ``guards`` are checked first. ``long`` lets other Python
    threads run meanwhile; by default, if the program is taken to run for 50 µs or more. Each of the program's inputs
    has to be named exactly once.

    >>> from wengert.compiler.native.selftest import adding
    >>> function = make_entry(adding(3), ([In(0), In(1, int)], In(2, int)), {"sums": Out(0), "sum": Out(1, "python")})
    >>> function([np.arange(3), 10], 5)
    {'sums': array([10, 11, 12]), 'sum': 15}
    >>> function([np.arange(4), 10], 5), function([np.arange(3), 10.0], 5)
    (NotImplemented, NotImplemented)
    """
    if long is None:
        long = linked.nanoseconds >= _LONG
    writer = _Writer(linked, arguments, result, captured, guards, long)
    if not _DEFINITION:
        _DEFINITION.append(immortal(_MethodDef(b"compiled", runtime.addresses()["enter"], _FASTCALL, None)))
    new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
        ("PyCFunction_NewEx", ctypes.pythonapi)
    )
    return new(ctypes.addressof(_DEFINITION[0]), (writer.specification(), linked, *writer.alive), None)


class _Writer:
    """Specifications as words."""

    def __init__(
        self,
        linked: Linked,
        arguments: Sequence[Tree],
        result: Tree,
        captured: Sequence[tuple[int, np.ndarray[Any, Any]]],
        guards: Sequence[CellGuard | DictGuard],
        long: bool,
    ) -> None:
        self.linked, self.program = linked, linked.program
        self.alive: list[Any] = []
        self.bound: list[int] = []
        self.passed = False
        self.extra = 0  # bytes of the frame in use behind the workspace
        slots = 8 * (FIRST_SLOT + len(self.program.inputs) + len(self.program.outputs))
        self.objects = self.room(slots)
        self.cursor = self.room(8)
        self.arrays = _arrays_of(result)
        self.parts = {
            sp.GUARDS_AT: [word for guard in guards for word in self.guard(guard)],
            sp.CAPTURED_AT: [word for i, array in captured for word in (self.keep(array), *self.argument(In(i)))],
            sp.ARGUMENTS_AT: [word for tree in arguments for word in self.argument(tree)],
            sp.OUTPUTS_AT: [word for i, spec in enumerate(self.program.outputs) for word in self.output(i, spec)],
            sp.RESULT_AT: self.result(result),
        }
        if sorted(self.bound) != list(range(len(self.program.inputs))):
            raise ValueError(f"arguments and captured name inputs {sorted(self.bound)}; each is to be named once.")
        self.counts = {
            sp.GUARDS: len(guards),
            sp.CAPTURED: len(captured),
            sp.ARGUMENTS: len(arguments),
            sp.OUTPUTS: len(self.program.outputs),
            sp.UNLOCKED: int(long),
            sp.HELD: 8 * (FIRST_SLOT + len(self.program.inputs)) if long or self.passed else 0,
        }

    def specification(self) -> bytes:
        """All words, with the head in front."""
        linked = self.linked
        size = linked.frame + self.extra
        memory = np.empty(size + ALIGNMENT, np.uint8)
        frame = memory.ctypes.data + -memory.ctypes.data % ALIGNMENT
        cell = np.array([frame])
        self.alive += [memory, cell]
        status = self.program.status
        words = [0] * (sp.HEAD // 8)
        for place, part in self.parts.items():
            words[place // 8] = 8 * len(words)
            words += part
        for place, value in {
            sp.WORLD: runtime.world_with_pool(),
            sp.TABLE: linked.table.ctypes.data,
            sp.FRAME_SIZE: size,
            sp.CELL: cell.ctypes.data,
            sp.COUNTERS: linked.counters,
            sp.ARGV: linked.argv,
            sp.WORK: linked.work,
            sp.STATUS: -1 if status is None else linked.work + status,
            sp.OBJECTS: self.objects,
            sp.CURSOR: self.cursor,
            **self.counts,
        }.items():
            words[place // 8] = value
        return np.array(words, np.int64).tobytes()

    def room(self, size: int) -> int:
        """The place in the frame of so many more bytes."""
        place = self.linked.frame + self.extra
        self.extra += -(-size // 8) * 8
        return place

    def keep(self, value: Any) -> int:
        """The address of an object, which is kept alive."""
        self.alive.append(value)
        return id(value)

    def guard(self, guard: CellGuard | DictGuard) -> list[int]:
        if isinstance(guard, CellGuard):
            return [sp.CELL_GUARD, self.keep(guard.cell), 0, self.keep(guard.expected)]
        return [sp.DICT_GUARD, self.keep(guard.mapping), self.keep(guard.key), self.keep(guard.expected)]

    def argument(self, tree: Tree) -> list[int]:
        match tree:
            case In(index):
                self.bound.append(index)
                return self.number(tree) if tree.kind is not np.ndarray else self.array(index)
            case Static(value):
                return self.static(value)
        if type(tree) is dict:
            items = [word for key, item in tree.items() for word in (self.keep(key), *self.argument(item))]
            return [sp.DICT_OF, len(tree), self.room(24), *items]
        if type(tree) in (list, tuple):
            kind = sp.LIST_OF if type(tree) is list else sp.TUPLE_OF
            return [kind, len(tree), *(word for item in tree for word in self.argument(item))]
        raise TypeError(f"arguments: {tree!r} is no list, tuple, dict or leaf.")

    def array(self, index: int) -> list[int]:
        spec = self.program.inputs[index]
        slot = 8 * (FIRST_SLOT + index)
        return [sp.ARRAY, slot, self.keep(spec.dtype), len(spec.shape), *spec.shape]

    def number(self, leaf: In) -> list[int]:
        spec = self.program.inputs[leaf.index]
        how = {float: sp.FROM_FLOAT, int: sp.FROM_INT, bool: sp.FROM_BOOL}.get(leaf.kind, sp.FROM_NUMPY)
        accepted = {float: "fd", int: "fdlq", bool: "?"}.get(leaf.kind)
        suits = (
            spec.dtype.char in accepted and spec.dtype.itemsize in (1, 4, 8)
            if accepted
            else spec.dtype.type is leaf.kind
        )
        if spec.shape != () or not suits or (leaf.kind is int and spec.dtype.kind == "i" and spec.dtype.itemsize != 8):
            raise TypeError(f"input {leaf.index}: {spec} can't be read from {leaf.kind.__name__}.")
        size = spec.dtype.itemsize if spec.dtype.kind == "f" else 0
        slot = 8 * (FIRST_SLOT + leaf.index)
        return [sp.NUMBER, slot, self.keep(leaf.kind), how, self.room(spec.dtype.itemsize), size]

    def static(self, value: Any) -> list[int]:
        kind = type(value)
        if kind is float:
            bits = int(np.float64(value).view(np.int64))
            return [sp.EQUAL, self.keep(kind), bits, sp.FLOAT_BITS]
        if kind in (int, str, bytes):
            return [sp.EQUAL, self.keep(kind), self.keep(value), 0]
        return [sp.IDENTITY, self.keep(value)]

    def output(self, index: int, spec: ArraySpec) -> list[int]:
        slot = 8 * (self.linked.outputs_slot + index)
        size = spec.dtype.itemsize * math.prod(spec.shape)
        if spec.shape == () and index not in self.arrays:
            return [sp.NUMBER, slot, self.room(size), 0]
        kind = sp.LARGE if size >= _LARGE else sp.ARRAY
        return [kind, slot, self.keep(spec.dtype), len(spec.shape), *spec.shape]

    def result(self, tree: Tree) -> list[int]:
        match tree:
            case Out(index, form):
                return self.produced(index, form)
            case PassIn(index):
                self.passed = True
                return [sp.OUTPUT, 8 * (FIRST_SLOT + index)]
            case Object(value):
                return [sp.OBJECT, self.keep(value)]
        if type(tree) is dict:
            items = [word for key, item in tree.items() for word in (self.keep(key), *self.result(item))]
            return [sp.NEW_DICT, len(tree), *items]
        if type(tree) in (list, tuple):
            kind = sp.NEW_LIST if type(tree) is list else sp.NEW_TUPLE
            return [kind, len(tree), *(word for item in tree for word in self.result(item))]
        raise TypeError(f"result: {tree!r} is no list, tuple, dict or leaf.")

    def produced(self, index: int, form: str) -> list[int]:
        spec = self.program.outputs[index]
        slot = 8 * (self.linked.outputs_slot + index)
        if form == "array":
            return [sp.OUTPUT, slot]
        if spec.shape != ():
            raise ValueError(f"output {index}: of shape {spec.shape}, which is no number.")
        if form == "scalar":
            return [sp.NUMPY_SCALAR, slot, self.keep(spec.dtype)]
        python = {"d": sp.PYTHON_FLOAT, "?": sp.PYTHON_BOOL, "l": sp.PYTHON_INT, "q": sp.PYTHON_INT}
        if form != "python" or spec.dtype.char not in python or spec.dtype.itemsize not in (1, 8):
            raise ValueError(f"output {index}: {spec.dtype} as {form!r} is not provided.")
        return [python[spec.dtype.char], slot]


def _arrays_of(tree: Tree) -> set[int]:
    """The outputs that a result has as arrays."""
    if isinstance(tree, Out):
        return {tree.index} if tree.kind == "array" else set()
    if isinstance(tree, dict | list | tuple):
        items = tree.values() if isinstance(tree, dict) else tree
        return set().union(*map(_arrays_of, items))
    return set()
