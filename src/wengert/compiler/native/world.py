"""What native code uses of Python and NumPy: addresses of objects and of functions of their C interfaces, in one table.

Native functions read an address at its place in the table and call it. So compiled objects hold no address of this
process, and no linker has to find the symbols. Places within objects are derived from the sizes that Python states;
the fields of an array are those that NumPy keeps stable.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from typing import Any

import numpy as np
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]

__all__ = [
    "AS_CTYPE", "BOOL_FROM", "BYTES_DATA", "CELL_GET", "CONDITION_WAIT", "CONDITION_WAKE", "DATA", "DESCR", "DICT",
    "DICT_GET", "DICT_NEW", "DICT_NEXT", "DICT_SET", "DICT_SIZE", "DIMS", "DOUBLE_OF_FLOAT", "DOUBLE_OF_INT",
    "EQUIVALENT", "ERROR", "ERROR_CLEAR", "FAILED", "FAILED_RUN", "FLAGS", "FLOAT_FROM", "FREE", "INT_FROM",
    "INT_OF", "LIST", "LIST_ITEM", "LIST_NEW", "LIST_SET", "LIST_SIZE", "MADVISE", "MALLOC", "MEMMOVE", "MEMSET",
    "MUTEX_LOCK", "MUTEX_UNLOCK", "NDARRAY", "NDIM", "NEW_ARRAY", "NO_MEMORY", "POOL", "RELEASE", "RESTORE",
    "RETAIN", "SAME", "SAVE", "SCALAR", "SET_HANDLER", "STR", "STR_COMPARE", "TRUE", "TUPLE", "TUPLE_DATA",
    "TUPLE_ITEM", "TUPLE_NEW", "TUPLE_SET", "TUPLE_SIZE", "TYPE", "UNSUITABLE", "YIELD", "immortal", "world",
]  # fmt: skip

_HEAD = object.__basicsize__
TYPE = _HEAD - 8
"""Places in an object, in an array, in a tuple, in a bytes object."""
DATA = _HEAD
NDIM = _HEAD + 8
DIMS = _HEAD + 16
DESCR = _HEAD + 40
FLAGS = _HEAD + 48
TUPLE_DATA = tuple.__basicsize__
BYTES_DATA = bytes.__basicsize__ - 1

_NAMES: list[tuple[str, Any]] = []


def _entry(source: str, name: Any) -> int:
    """The place of a new entry of the table."""
    _NAMES.append((source, name))
    return 8 * (len(_NAMES) - 1)


class _Sentinel:
    """What a native function returns instead of a result."""

    def __repr__(self) -> str:
        return "FAILED"


FAILED_RUN = _Sentinel()
"""A native entry returns this where a run set its status; ``Linked`` raises the error that belongs to it."""

NDARRAY = _entry("object", np.ndarray)
LIST = _entry("object", list)
TUPLE = _entry("object", tuple)
DICT = _entry("object", dict)
STR = _entry("object", str)
TRUE = _entry("object", True)
UNSUITABLE = _entry("object", NotImplemented)
FAILED = _entry("object", FAILED_RUN)
RETAIN = _entry("python", "Py_IncRef")
RELEASE = _entry("python", "Py_DecRef")
ERROR = _entry("python", "PyErr_Occurred")
ERROR_CLEAR = _entry("python", "PyErr_Clear")
NO_MEMORY = _entry("python", "PyErr_NoMemory")
LIST_SIZE = _entry("python", "PyList_Size")
LIST_ITEM = _entry("python", "PyList_GetItem")
LIST_NEW = _entry("python", "PyList_New")
LIST_SET = _entry("python", "PyList_SetItem")
TUPLE_SIZE = _entry("python", "PyTuple_Size")
TUPLE_ITEM = _entry("python", "PyTuple_GetItem")
TUPLE_NEW = _entry("python", "PyTuple_New")
TUPLE_SET = _entry("python", "PyTuple_SetItem")
DICT_SIZE = _entry("python", "PyDict_Size")
DICT_NEXT = _entry("python", "PyDict_Next")
DICT_GET = _entry("python", "PyDict_GetItemWithError")
DICT_NEW = _entry("python", "PyDict_New")
DICT_SET = _entry("python", "PyDict_SetItem")
CELL_GET = _entry("python", "PyCell_Get")
SAME = _entry("python", "PyObject_RichCompareBool")
STR_COMPARE = _entry("python", "PyUnicode_Compare")
DOUBLE_OF_FLOAT = _entry("python", "PyFloat_AsDouble")
DOUBLE_OF_INT = _entry("python", "PyLong_AsDouble")
INT_OF = _entry("python", "PyLong_AsLongLong")
FLOAT_FROM = _entry("python", "PyFloat_FromDouble")
INT_FROM = _entry("python", "PyLong_FromLongLong")
BOOL_FROM = _entry("python", "PyBool_FromLong")
SAVE = _entry("python", "PyEval_SaveThread")
RESTORE = _entry("python", "PyEval_RestoreThread")
MALLOC = _entry("python", "PyMem_RawMalloc")
FREE = _entry("python", "PyMem_RawFree")
SCALAR = _entry("numpy", 60)
AS_CTYPE = _entry("numpy", 62)
NEW_ARRAY = _entry("numpy", 94)
EQUIVALENT = _entry("numpy", 182)
SET_HANDLER = _entry("numpy", 304)
MEMMOVE = _entry("c", ctypes.memmove)
MEMSET = _entry("c", ctypes.memset)
MADVISE = _entry("advice", None)
MUTEX_LOCK = _entry("posix", "pthread_mutex_lock")
MUTEX_UNLOCK = _entry("posix", "pthread_mutex_unlock")
CONDITION_WAIT = _entry("posix", "pthread_cond_wait")
CONDITION_WAKE = _entry("posix", "pthread_cond_broadcast")
YIELD = _entry("posix", "sched_yield")
POOL = _entry("pool", None)
"""The capsule with NumPy's handler of large memory; see ``pool.py``, which fills it in."""


@functools.cache
def world() -> ctypes.Array[ctypes.c_int64]:
    """The table of this process. It is never released."""
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    functions = ctypes.cast(pointer(_multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    table = (ctypes.c_int64 * len(_NAMES))(*[_address(source, name, functions) for source, name in _NAMES])
    return immortal(table)


def _address(source: str, name: Any, numpy_functions: Any) -> int:
    match source:
        case "object":
            return id(immortal(name))
        case "python":
            return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
        case "numpy":
            return numpy_functions[name] or 0
        case "c":
            return ctypes.cast(name, ctypes.c_void_p).value or 0
        case "posix" if os.name == "posix":
            return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0
        case "advice" if sys.platform == "linux":
            return ctypes.cast(ctypes.CDLL(None).madvise, ctypes.c_void_p).value or 0
    return 0


def immortal(value: Any) -> Any:
    """Keep an object for good: native code refers to it even while the interpreter shuts down."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))
    return value
