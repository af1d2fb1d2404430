"""Functions that programs call, kernels among them: each distinct one is written and compiled once in a process."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from wengert.compiler.emit import emit
from wengert.compiler.kernel import Kernel
from wengert.compiler.native.engine import Source, engine, library_version, name_of
from wengert.compiler.native.work import chunk_of, nanoseconds
from wengert.compiler.program import Call, Ref

__all__ = ["SCRATCH", "Function", "NativeCall", "addresses_of", "call_of_kernel", "function_of"]


class Function(NamedTuple):
    """A function as text, under a name that stands for it, with what it declares and the vector functions it calls.

    ``alone``: it is compiled and cached by itself, because programs have it in common.
    """

    name: str
    text: str
    declarations: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    alone: bool = False


class NativeCall(NamedTuple):
    """A step of a program: a function, its arguments, and the range from 0 to ``span`` that it is called for.

    An argument that is a function stands for its address. ``chunk`` is how far threads go at a time, 0 if they don't
    share the range. ``nanoseconds`` is a guess. ``scratch`` is how many bytes there have to be at ``SCRATCH``.
    """

    function: Function
    arguments: Sequence[Ref | int | Function]
    span: int
    chunk: int
    nanoseconds: float
    scratch: int = 0


SCRATCH = Ref("scratch", 0)
"""Memory that calls use for themselves, one after the other."""


def function_of(text: str, name: str, declarations: Sequence[str] = (), needs: Sequence[str] = ()) -> Function:
    """The function that a text defines as ``name``, which is replaced by one that stands for all it depends on."""
    version = [library_version(), *needs] if needs else []
    unique = name_of("\n".join((text, *declarations, *version)), "wg_k")
    return Function(unique, text.replace(f"@{name}(", f"@{unique}("), tuple(declarations), tuple(needs))


def addresses_of(functions: Iterable[Function]) -> dict[str, int]:
    """The addresses of functions by their names. Those that are new are compiled in one go, or alone."""
    by_name = {function.name: function for function in functions}
    alone = [name for name, function in by_name.items() if function.alone]
    together = [name for name in by_name if name not in alone]
    found: dict[str, int] = {}
    for names in (together, *([name] for name in alone)):
        if names:
            found |= engine().functions(names, lambda missing: _module([by_name[name] for name in missing]))
    return found


def _module(functions: Sequence[Function]) -> Source:
    declarations = dict.fromkeys(itertools.chain.from_iterable(f.declarations for f in functions))
    needs = dict.fromkeys(itertools.chain.from_iterable(f.needs for f in functions))
    text = "\n".join((*declarations, *(f.text for f in functions)))
    return Source(text, tuple(f.name for f in functions), tuple(needs))


_PLACEHOLDER = "wg_kernel"
_WRITTEN: dict[Any, tuple[Function, int, float]] = {}
"""By what tells kernels apart: functions, chunks, nanoseconds."""


def call_of_kernel(step: Call) -> NativeCall:
    """A call of a kernel."""
    kernel = step.kernel
    key = _identity(kernel)
    if key not in _WRITTEN:
        registers = engine().target.vector_bytes
        code = emit(kernel, _PLACEHOLDER, registers)
        needs = sorted(function.symbol for function in code.vecmath)
        function = function_of(code.text, _PLACEHOLDER, code.declarations, needs)
        _WRITTEN[key] = function, chunk_of(kernel, registers), nanoseconds(kernel)
    function, chunk, time = _WRITTEN[key]
    return NativeCall(function, step.refs, kernel.rows[0] if kernel.rows else kernel.inner, chunk, time)


def _identity(kernel: Kernel) -> Any:
    """What two kernels with the same code have in common; equality alone confuses 0.0 and -0.0."""
    constants = tuple([repr(i.attr) for _, _, _, i in kernel.numbered() if i.fn == "constant"])
    return kernel, constants
