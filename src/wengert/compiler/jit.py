"""``jit``: a function compiled for the arguments that it is called with."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from threading import RLock
from types import MethodType
from typing import Any, overload

from wengert.compiler.audit import audit
from wengert.compiler.compiled import Compiled, compile_call
from wengert.compiler.differentiate import call_boxed, is_boxed
from wengert.compiler.entries import FAILED_RUN, entry_of
from wengert.compiler.explain import Report
from wengert.compiler.lowered import Lowered, explain, lower
from wengert.compiler.signature import Call, Statics
from wengert.core import modes
from wengert.errors import RecompilationWarning
from wengert.transforms.arguments import check_callable, name_of

__all__ = ["Jitted", "jit"]

_VARIANTS = 4
"""Compiled forms kept for one signature, which differ in what their guards found."""
_ENTRIES = 4
"""Native entries that a call is offered to, one after the other."""
_MANY = 32
"""Compilations after which a person is told."""
_OFTEN = 3
"""Values of an integer argument from which on it is tried as a traced number."""


def _no_entry(*args: Any) -> Any:
    """Stands for the native entry until there is one."""
    return NotImplemented


class Jitted:
    """A function that is compiled when it is called. Made by :func:`wengert.jit`.

    Attributes: ``cache_size``, the number of compiled forms.
    """

    _is_jitted = True

    def __init__(
        self,
        f: Callable[..., Any],
        static_argnums: Sequence[int] = (),
        static_argnames: Sequence[str] = (),
        donate_argnums: Sequence[int] = (),
    ) -> None:
        self._f = f
        self._options = tuple(static_argnums), tuple(static_argnames), tuple(donate_argnums)
        self._donated = tuple(donate_argnums)
        self._statics = Statics(f, static_argnums, static_argnames)
        self._forms: dict[Any, list[Compiled]] = {}
        self._compilations = 0
        self._seen: dict[Any, set[int]] = {}
        self._varying: frozenset[Any] = frozenset()
        self._fixed: set[Any] = set()
        self._lock = RLock()
        self._entries: tuple[Callable[..., Any], ...] = ()
        self._entry: Callable[..., Any] = _no_entry
        update_wrapper(self, f, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value, by the compiled form for such arguments."""
        if not (kwargs or modes.inspected):
            made = self._entry(*args)
            if made is not NotImplemented and made is not FAILED_RUN:
                return made
        return self._slowly(args, kwargs)

    def _slowly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The value, where the latest native entry has not given it."""
        if (modes.tracing and modes.trace() is not None) or (modes.batching and modes.in_batch()):
            return self._f(*args, **kwargs)
        if modes.profiling and (profile := modes.profile()) is not None and not profile.busy:
            return profile.jitted(self, args, kwargs)
        if not kwargs and not modes.debugged:
            for entry in self._entries if modes.profiling else self._entries[1:]:
                made = entry(*args)
                if made is not NotImplemented and made is not FAILED_RUN:
                    return made
        call = Call(args, kwargs, self._statics, self._varying)
        compiled = self._find(call)
        if compiled is None:
            call, compiled = self._compile(args, kwargs, call)
        if modes.debugged and modes.debugging():
            audit(self._f, compiled, call)
        if call.boxed or (compiled.captures and is_boxed(compiled)):
            result = call_boxed(compiled, call.arrays)
            return self._f(*args, **kwargs) if result is NotImplemented else result
        if compiled.entry is None and not kwargs:
            self._take_entry(compiled, call)
        result = compiled(call.arrays)
        return self._carefully(compiled, call, args, kwargs) if result is NotImplemented else result

    def _take_entry(self, compiled: Compiled, call: Call) -> None:
        """Have a native entry answer further calls like ``call``, if there can be one."""
        entry = entry_of(compiled, call)
        compiled.entry = entry or False
        if entry is not None:
            gone = compiled.replaced
            self._entries = (entry, *[e for e in self._entries if e is not gone][: _ENTRIES - 1])
            self._entry = entry
            compiled.replaced = entry

    def _carefully(self, compiled: Compiled, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result where a derivative has a NaN, which elements that were not selected may have brought about."""
        if compiled.careful is None and not compiled.has_failed:
            try:
                compiled.careful = compile_call(self._f, call, masked=True)
            except Exception:  # whatever it is, the function itself will do, or say what is wrong
                compiled.has_failed = True
        result = NotImplemented if compiled.careful is None else compiled.careful(call.arrays)
        return self._f(*args, **kwargs) if result is NotImplemented else result

    def _find(self, call: Call) -> Compiled | None:
        """The compiled form for ``call``, if there is one."""
        for compiled in self._forms.get(call.key, ()):
            if compiled.holds():
                return compiled
        return None

    def _compile(self, args: tuple[Any, ...], kwargs: dict[str, Any], call: Call) -> tuple[Call, Compiled]:
        """Compile a form for ``call``; an integer that keeps changing is tried as a traced number."""
        with self._lock:
            if (compiled := self._find(call)) is not None:
                return call, compiled
            new = frozenset([place for place in call.numbers if self._is_varying(call, place)])
            if new:
                wider = Call(args, kwargs, self._statics, self._varying | new)
                try:
                    compiled = self._find(wider) or compile_call(self._f, wider, donated=self._donated)
                except Exception:  # whatever it is: as a constant it may do
                    self._fixed |= new
                else:
                    self._varying |= new
                    return wider, self._enter(wider, compiled)
            return call, self._enter(call, compile_call(self._f, call, donated=self._donated))

    def _is_varying(self, call: Call, place: Any) -> bool:
        if place in self._varying or place in self._fixed:
            return False
        seen = self._seen.setdefault(place, set())
        seen.add(call.leaves[place[1]])
        return len(seen) >= _OFTEN

    def _enter(self, call: Call, compiled: Compiled) -> Compiled:
        forms = self._forms.setdefault(call.key, [])
        if compiled not in forms:
            self._forms[call.key] = [compiled, *forms[: _VARIANTS - 1]]
            self._compilations += 1
            if self._compilations == _MANY:
                warnings.warn(self._what_varies(call), RecompilationWarning, stacklevel=5)
        return compiled

    def _what_varies(self, call: Call) -> str:
        """What to tell a person after many compilations, of which this ``call`` was the latest."""
        keys = list(self._forms)
        where = f"wg.jit has compiled {name_of(self._f)} {self._compilations} times. "
        first = keys[-1]
        if len(keys) == 1:
            return where + "Each time an object had changed that its code refers to. Pass what changes as an argument."
        parts = []
        for i in range(len(first) - 1):
            others = {repr(k[1 + i]) for k in keys if len(k) == len(first)}
            if len(others) > 1:
                parts.append(f"{call.place(i)} ({', '.join(sorted(others)[:3])}, ...)")
        what = " and ".join(parts) or "the structure of the arguments"
        return (
            where + f"What varies is {what}. Pad arrays to a few shapes; pass numbers that change as floats or arrays."
        )

    @property
    def cache_size(self) -> int:
        """How many compiled forms are kept."""
        return sum([len(forms) for forms in self._forms.values()])

    def clear_cache(self) -> None:
        """Forget what was compiled."""
        with self._lock:
            self._forms.clear()
            self._entries, self._entry = (), _no_entry
            self._seen.clear()
            self._varying, self._fixed, self._compilations = frozenset(), set(), 0

    def explain(self, *args: Any, **kwargs: Any) -> Report:
        """What a call with these arguments runs: print it. The function is compiled for them if it hasn't been.

        The report lists kernels, products of matrices and whatever is left to NumPy, each with the lines of the program
        that it comes from (``∂`` marks derivatives of a line), and what the compiled form depends on.

        >>> import numpy as np, wengert as wg
        >>> report = wg.jit(lambda x: np.sum(np.exp(x) * x)).explain(np.ones(1000))
        >>> {step.kind for step in report.steps}
        {'kernel'}
        """
        return explain(self._f, args, kwargs, self._form_for(args, kwargs)[1])

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """The stages of compiling for these arguments, as text: graph, primitives, program, LLVM IR.

        >>> import numpy as np, wengert as wg
        >>> print(wg.jit(lambda x: np.tanh(x)).lower(np.ones(3)).graph)  # doctest: +ELLIPSIS
        %0 = input 0  : float64[3]
        %1 = apply tanh %0 : float64[3]  # ...
        outputs: %1
        """
        return lower(self._f, args, kwargs, self._form_for(args, kwargs)[1])

    def _form_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Call, Compiled]:
        """The call taken apart, and the form that it runs."""
        call = Call(args, kwargs, self._statics, self._varying)
        compiled = self._find(call)
        return self._compile(args, kwargs, call) if compiled is None else (call, compiled)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<jitted {name_of(self._f)}>"

    def __reduce__(self) -> Any:
        return _restored, (self._f, *self._options)


def _restored(f: Callable[..., Any], *options: Any) -> Jitted:
    return Jitted(f, *options)


@overload
def jit(
    f: Callable[..., Any],
    *,
    static_argnums: int | Sequence[int] = ...,
    static_argnames: str | Sequence[str] = ...,
    donate_argnums: int | Sequence[int] = ...,
) -> Jitted: ...


@overload
def jit(
    f: None = ...,
    *,
    static_argnums: int | Sequence[int] = ...,
    static_argnames: str | Sequence[str] = ...,
    donate_argnums: int | Sequence[int] = ...,
) -> Callable[[Callable[..., Any]], Jitted]: ...


def jit(
    f: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
) -> Any:
    """``f``, compiled: what it computes is recorded at the first call, and run as one program from then on.

    Arguments and results are arrays or numbers, or trees of them (dicts, lists, tuples, dataclasses). Arrays, NumPy's
    scalars, floats and complex numbers may change from call to call; a new shape, dtype or structure compiles anew, and
    so does a new value of anything else: an int, a bool, a string. (An int that keeps changing is traced, if it can
    be.) ``static_argnums`` and ``static_argnames`` name further arguments to be compared by value, which can be any
    objects with a hash. Derivatives may be taken inside and outside: ``jit(grad(f))``, ``grad(jit(f))``.

    Arrays in the arguments that ``donate_argnums`` names are overwritten with results of the same shape and dtype, in
    order, and the result has those very arrays in it: for parameters that a step of training replaces. They have to be
    writeable and contiguous. Derivatives of the call itself, and calls with tensors, leave them alone.

    Arrays that ``f`` finds in closures, globals and attributes are read anew at each call. The result shares memory
    neither with arguments nor with such arrays.

    Raises ``TraceError`` where the values of traced arrays are asked for, as by ``if x > 0``; ``InputError`` for an
    argument that can neither be traced nor compared.

    >>> import numpy as np, wengert as wg
    >>> @wg.jit
    ... def f(x, y):
    ...     return np.sum(np.tanh(x) * y)
    >>> float(f(np.zeros(3), 2.0))
    0.0
    >>> wg.grad(f)(np.zeros(3), 2.0)
    array([2., 2., 2.])
    """
    if f is None:
        return partial(
            jit, static_argnums=static_argnums, static_argnames=static_argnames, donate_argnums=donate_argnums
        )
    check_callable("jit", f)
    if isgeneratorfunction(f) or iscoroutinefunction(f) or isasyncgenfunction(f):
        raise TypeError(
            f"jit can't compile {name_of(f)}: a generator or asynchronous function runs after the call. Compile the "
            "functions that it calls."
        )
    numbers = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    donated = (donate_argnums,) if isinstance(donate_argnums, int) else tuple(donate_argnums)
    return Jitted(f, numbers, names, donated)
