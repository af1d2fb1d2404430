"""Guards: what a function's code reads besides its arguments, so that a change of it is noticed.

The names that the code refers to are looked up where Python would: in closures, in globals, in the attributes of the
instance that a method is bound to. The same is done for the plain Python functions found there. A call compares the
objects by identity. What hangs on other objects, elements of lists and dicts and attributes, is not seen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from wengert.compiler.captures import Capture, Held, changed
from wengert.core.aliasing import innermost
from wengert.core.dispatch import Box
from wengert.errors import TraceError

__all__ = ["Guards", "protected"]

_LIMIT = 256
"""Functions that are looked into, at most."""
_PLAIN_VALUES = frozenset({int, float, complex, bool, str, bytes, type(None)})
_OURS = ("wengert.", "numpy.", "functools", "contextlib")

CellGuard = tuple[CellType, Any]
NameGuard = tuple[dict[str, Any], str, Any]


class Guards:
    """The objects that a function's code refers to: pairs ``(cell, object)`` and triples ``(dict, key, object)``."""

    __slots__ = ("cells", "names")

    def __init__(self, f: Callable[..., Any]) -> None:
        self.cells: list[CellGuard] = []
        self.names: list[NameGuard] = []
        _Search(self).look_into(f)

    def hold(self) -> bool:
        """Whether every name still stands for the same object."""
        for cell, found in self.cells:
            if cell.cell_contents is not found:
                return False
        return all([scope.get(name) is found for scope, name, found in self.names])

    def settle(self) -> None:
        """Take over what the function itself has set its names to while it was traced."""
        self.cells = [(cell, _content(cell)) for cell, _ in self.cells]
        self.names = [(scope, name, scope.get(name)) for scope, name, _ in self.names]

    def objects(self) -> list[Any]:
        """What the names stand for."""
        return [*[found for _, found in self.cells], *[found for _, _, found in self.names]]

    def renewed(self, captures: list[Capture], settled: bool) -> bool:
        """Take over what names stand for now, if that makes no difference to what was compiled; whether it does not.

        It makes none for a number that is equal to the old one; nor for an array or tensor of the same shape, dtype and
        order in place of one that is read at each call, unless other constants may depend on it (``settled``).
        """
        swaps: dict[int, Any] = {}
        cells = [(cell, found, _content(cell)) for cell, found in self.cells]
        names = [(scope, name, found, scope.get(name)) for scope, name, found in self.names]
        for found, new in [*[(c[1], c[2]) for c in cells], *[(n[2], n[3]) for n in names]]:
            if new is found or (type(new) is type(found) and type(new) in _PLAIN_VALUES and new == found):
                continue
            if settled or not _alike(new, found):
                return False
            if not any([c.array is found for c in captures]) or any([_overlaps(c.array, found) for c in captures]):
                return False
            if swaps.setdefault(id(found), new) is not new:
                return False
        self.cells = [(cell, new) for cell, _, new in cells]
        self.names = [(scope, name, new) for scope, name, _, new in names]
        for capture in captures:
            capture.array = swaps.get(id(capture.array), capture.array)
        return True


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _alike(a: Any, b: Any) -> bool:
    """Whether ``a`` and ``b`` are plain arrays, or a person's tensors over such, that only elements tell apart."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Box):
        if a._level or b._level or a._inert is not b._inert:
            return False
        a, b = a._current()._inner, b._current()._inner
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        return False
    return a.shape == b.shape and a.dtype == b.dtype and a.strides == b.strides


def _overlaps(x: Any, found: Any) -> bool:
    if x is found:
        return False
    x, found = innermost(x), innermost(found)
    return isinstance(x, np.ndarray) and bool(np.may_share_memory(x, found))


class _Search:
    """Collects guards from functions, each looked into once."""

    def __init__(self, guards: Guards) -> None:
        self.guards = guards
        self.seen: set[Any] = set()

    def look_into(self, f: Any, owner: Any = None) -> None:
        """Collect what ``f`` refers to; ``owner`` is the instance that it is bound to."""
        if id(f) in self.seen or len(self.seen) > _LIMIT:
            return
        self.seen.add(id(f))
        if isinstance(f, MethodType):
            self.look_into(f.__func__, f.__self__)
        elif isinstance(f, partial):
            for part in (f.func, *f.args, *f.keywords.values()):
                self.look_into(part)
        elif isinstance(f, FunctionType):
            self._function(f, owner)
        elif not isinstance(f, type | ModuleType | np.ndarray | np.ufunc | Box) and callable(f):
            inner = getattr(f, "__wrapped__", None)  # a jitted function's own
            if inner is not None:
                self.look_into(inner)
            elif isinstance(method := type(f).__call__, FunctionType):
                self.look_into(method, f)

    def _function(self, f: FunctionType, owner: Any) -> None:
        module = f.__globals__.get("__name__", "")
        ours = module.startswith(_OURS)
        for cell in f.__closure__ or ():
            content = _content(cell)
            if not ours:
                self.guards.cells.append((cell, content))
            self._follow(content)
        if ours:
            return
        scope = f.__globals__
        for name in _names(f.__code__):
            if name in scope and not isinstance(found := scope[name], ModuleType):
                self.guards.names.append((scope, name, found))
                self._follow(found)
        if owner is not None:
            self._instance(f, owner)

    def _instance(self, f: FunctionType, owner: Any) -> None:
        """The attributes of ``owner`` whose names the method refers to, and the methods that it calls."""
        attributes = getattr(owner, "__dict__", {})
        for name in _names(f.__code__):
            if name in attributes:
                self.guards.names.append((attributes, name, attributes[name]))
                self._follow(attributes[name])
            elif isinstance(method := getattr(type(owner), name, None), FunctionType):
                key = (id(method), id(owner))
                if key not in self.seen:
                    self.seen.add(key)
                    self._function(method, owner)

    def _follow(self, found: Any) -> None:
        if isinstance(found, FunctionType | MethodType | partial) or hasattr(type(found), "_is_jitted"):
            self.look_into(found)


_NAMES: dict[CodeType, tuple[str, ...]] = {}


def _names(code: CodeType) -> tuple[str, ...]:
    """The names that ``code``, and the functions defined in it, refers to."""
    found = _NAMES.get(code)
    if found is None:
        inner = [_names(c) for c in code.co_consts if isinstance(c, CodeType)]
        found = _NAMES[code] = tuple(dict.fromkeys([*code.co_names, *[name for names in inner for name in names]]))
    return found


@contextmanager
def protected(guards: Guards, arguments: list[Any]) -> Iterator[list[Any]]:
    """While a function runs to be traced: what it must leave alone is read-only or compared afterwards.

    Yields a list of the plain arrays that its names stand for. Raises ``TraceError`` if the function writes to one of
    them, to a tensor, or draws random numbers.
    """
    objects = guards.objects()
    arrays = [x for x in objects if type(x) is np.ndarray and x.flags.writeable]
    boxes = [Held(x) for x in objects if isinstance(x, Box) and type(x._inner) is np.ndarray]
    arrays += [held.inner for held in boxes if held.inner.flags.writeable]
    generators = [x for x in (*objects, *arguments) if isinstance(x, np.random.Generator | np.random.RandomState)]
    before = _states(generators)
    for x in arrays:
        x.flags.writeable = False
    try:
        yield [x for x in objects if type(x) is np.ndarray]
    except ValueError as error:
        if "read-only" in str(error) and arrays and not isinstance(error, TraceError):
            raise changed(None) from error
        raise
    finally:
        for x in sorted(arrays, key=_is_view):
            x.flags.writeable = True
        written = [held for held in boxes if held.has_changed()]
        for held in written:
            held.restore()
    if written:
        raise changed(None)
    if _states(generators) != before:
        raise TraceError(
            "wg.jit: the function draws random numbers. They would be drawn once, while it is compiled, and be the "
            "same at every call. Draw them outside, and pass them as an argument."
        )


def _is_view(x: np.ndarray[Any, Any]) -> bool:
    return x.base is not None


def _states(generators: list[Any]) -> list[Any]:
    """The states of NumPy's and Python's global generators, and of ``generators``."""
    state: Any = np.random.get_state()  # noqa: NPY002 - the one in question
    found: list[Any] = [(state[1].tobytes(), *state[2:]), random.getstate()]
    return [*found, *[repr(_state(x)) for x in generators]]


def _state(x: np.random.Generator | np.random.RandomState) -> Any:
    return x.bit_generator.state if isinstance(x, np.random.Generator) else x.get_state(legacy=False)
