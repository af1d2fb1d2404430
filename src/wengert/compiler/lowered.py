"""What a jitted function was compiled to, at each of its stages: as text, and as a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.compiler import executable
from wengert.compiler.compiled import Compiled
from wengert.compiler.emit import emit
from wengert.compiler.executable import Executable
from wengert.compiler.explain import Report, report
from wengert.compiler.graph import Graph, Source
from wengert.compiler.kernel import Kernel
from wengert.compiler.native.blas import blas
from wengert.compiler.native.matrices import call_of_gemm
from wengert.compiler.native.selftest import available
from wengert.compiler.native.target import host
from wengert.compiler.program import Call, Gemm, Loop, Ref, Step
from wengert.core.aliasing import innermost
from wengert.core.dispatch import Box
from wengert.transforms.arguments import name_of

__all__ = ["Lowered", "explain", "lower"]

_VECTOR_BYTES = 32
"""Bytes of a vector register, where the processor isn't known."""


class Lowered(NamedTuple):
    """A function on its way from NumPy to machine code, for one signature.

    ``graph`` lists the operations that tracing found, ``primitives`` what these were rewritten as, ``program`` the
    steps with the memory that each works on, and ``ir`` the LLVM IR of each kernel, under the names used there.
    ``report`` is what ``explain`` gives.
    """

    graph: str
    primitives: str
    program: str
    ir: str
    report: Report


def explain(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], compiled: Compiled) -> Report:
    """The report on what ``f`` was compiled to for such arguments."""
    reason = available()
    notes = [] if reason is None else [f"NumPy computes it operation by operation, as native code can't run: {reason}"]
    by_blas = _by_blas if reason is None else None
    made = _executable_of(compiled)
    notes += _notes(compiled)
    return report(name_of(f), _signature(args, kwargs), made, _vector_bytes(), notes, by_blas)


def lower(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], compiled: Compiled) -> Lowered:
    """The stages of what ``f`` was compiled to for such arguments."""
    made = _executable_of(compiled)
    names: dict[Kernel, str] = {}
    program = "\n".join(_program(made, names))
    ir = "\n".join([emit(kernel, name, _vector_bytes()).text for kernel, name in names.items()])
    return Lowered(_listing(compiled.graph), _listing(made.graph), program, ir, explain(f, args, kwargs, compiled))


def _executable_of(compiled: Compiled) -> Executable:
    if isinstance(compiled.run, Executable):
        return compiled.run
    return executable.compiled(compiled.graph, lambda program: lambda arrays: [], compiled.watched)


def _vector_bytes() -> int:
    return host().vector_bytes if available() is None else _VECTOR_BYTES


def _by_blas(step: Gemm) -> bool:
    library = blas()
    return library is not None and call_of_gemm(step).arguments[0] in library.addresses.values()


# What the compiled form depends on ----------------------------------------------------------------------------------


def _notes(compiled: Compiled) -> Iterator[str]:
    for capture in compiled.captures:
        found = innermost(capture.array) if isinstance(capture.array, Box) else capture.array
        place = "" if capture.source is None else f", found at {capture.source}"
        yield f"reads {_described(found)} anew at each call{place}"
    if compiled.fixed:
        arrays = ", ".join([_described(fixed.array) for fixed in compiled.fixed])
        yield f"holds for these elements of what it found: {arrays}"
    names = dict.fromkeys([name for _, name, _ in compiled.guards.names])
    cells = dict.fromkeys([_content(found) for _, found in compiled.guards.cells])
    known = [*names, *[cell for cell in cells if cell not in names]]
    if known:
        yield f"holds while these are what they were: {', '.join(known)}"
    if compiled.watched:
        many = "a derivative" if compiled.watched == 1 else f"{compiled.watched} derivatives"
        yield f"looks for NaN in {many}; where there is one, the call is computed again with masks"


def _content(found: Any) -> str:
    if isinstance(found, np.ndarray | Box):
        return _described(found)
    return name_of(found) if callable(found) else _described(found)


def _signature(args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    parts = [*map(_described, args), *[f"{name}={_described(x)}" for name, x in kwargs.items()]]
    return f"({', '.join(parts)})"


def _described(tree: Any) -> str:
    """An argument as the compiler sees it.

    >>> import numpy as np
    >>> _described([np.zeros((2, 3)), 1.0, {"n": 3}])
    "[float64[2, 3], float, {'n': 3}]"
    """
    if isinstance(tree, np.ndarray | np.generic | Box):
        shape = ", ".join(map(str, tree.shape))
        return f"{tree.dtype}[{shape}]" if shape else str(tree.dtype)
    if type(tree) is dict:
        return "{" + ", ".join([f"{key!r}: {_described(x)}" for key, x in tree.items()]) + "}"
    if type(tree) is list:
        return f"[{', '.join(map(_described, tree))}]"
    if isinstance(tree, tuple):
        return f"({', '.join(map(_described, tree))}{',' if len(tree) == 1 else ''})"
    if isinstance(tree, bool | int | str) or tree is None:
        return repr(tree)
    return type(tree).__name__


# Listings -----------------------------------------------------------------------------------------------------------


def _listing(graph: Graph) -> str:
    """A line for each value, with where it comes from."""
    lines = [(value.describe(), value.source) for value in graph.values]
    width = min(80, max([len(text) for text, _ in lines], default=0))
    listed = [text if source is None else f"{text:<{width}}  # {_origin(source)}" for text, source in lines]
    return "\n".join([*listed, f"outputs: {' '.join(map(repr, graph.outputs))}"])


def _origin(source: Source) -> str:
    return f"derivative of {source}" if source.derivative else str(source)


def _program(made: Executable, names: dict[Kernel, str]) -> Iterator[str]:
    for i, piece in enumerate(made.pieces):
        given = f"({', '.join(map(repr, piece.inputs))}) -> ({', '.join(map(repr, piece.outputs))})"
        if piece.program is None:
            yield f"{i}: NumPy {piece.outputs[0].attrs.op.name} {given}"
            continue
        yield f"{i}: program {given}, {piece.program.work} bytes of workspace"
        for step in piece.program.steps:
            yield from _step(step, names, "  ")


def _step(step: Step, names: dict[Kernel, str], indent: str) -> Iterator[str]:
    if isinstance(step, Loop):
        yield f"{indent}loop {step.count}"
        for inner in step.steps:
            yield from _step(inner, names, indent + "  ")
    elif isinstance(step, Gemm):
        a, b = f"{_ref(step.a)}{'.T' * step.ta}", f"{_ref(step.b)}{'.T' * step.tb}"
        many = f" {step.count} times" if step.count > 1 else ""
        yield f"{indent}{_ref(step.c)} {'+' * step.add}= {a} @ {b}: {step.m} {step.k} {step.n} {step.dtype}{many}"
    elif isinstance(step, Call):
        name = names.setdefault(step.kernel, f"kernel_{len(names)}")
        yield f"{indent}{name}({', '.join(map(_ref, step.refs))})"


def _ref(ref: Ref) -> str:
    place = "work" if ref.slot == "work" else f"{ref.slot} {ref.index}"
    moving = "".join([f" + {stride}*round" for stride in ref.strides if stride])
    return f"{place}[{ref.offset}{moving}]"
