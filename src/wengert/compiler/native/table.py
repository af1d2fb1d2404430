"""Programs linked: every kernel compiled, and the steps as the table that the native loop runs (see ``loop.py``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from wengert.compiler.native import workers
from wengert.compiler.native.kernels import SCRATCH, Function, NativeCall, addresses_of, call_of_kernel
from wengert.compiler.native.linked import FIRST_SLOT, Linked, layout, scratch_start
from wengert.compiler.native.loop import CALL, END, LOOP, STEP
from wengert.compiler.native.matrices import call_of_gemm
from wengert.compiler.program import Call, Loop, Program, Ref, Step

__all__ = ["link", "run"]


def run(program: Program, arrays: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
    """Link a program and run it once.

    >>> import numpy as np
    >>> from wengert.compiler.program import ArraySpec, Gemm
    >>> number, row = np.dtype(float), ArraySpec((1, 3), np.dtype(float))
    >>> product = Gemm(number, 1, 3, 3, Ref("input", 0), Ref("constant", 0), Ref("output", 0), 3, 3, 3)
    >>> program = Program((row,), (row,), (2 * np.eye(3),), 0, (product,))
    >>> run(program, [np.array([[1.0, 2.0, 3.0]])])
    [array([[2., 4., 6.]])]
    """
    return link(program)(arrays)


def link(program: Program) -> Linked:
    """Compile what a program needs and lay out its table."""
    steps = [step for step in _walk(program.steps) if not isinstance(step, Loop)]
    calls = {id(step): call_of_kernel(step) if isinstance(step, Call) else call_of_gemm(step) for step in steps}
    addresses = addresses_of(_functions(calls.values()))
    words = [*_Tables(program, calls, addresses).records(program.steps, 0), END]
    arguments = max([0, *(len(call.arguments) for call in calls.values())])
    scratch = max([0, *(call.scratch for call in calls.values())])
    return layout(program, words, arguments, _depth(program.steps), _time(program.steps, calls), scratch)


def _functions(calls: Iterable[NativeCall]) -> Iterator[Function]:
    for call in calls:
        yield call.function
        yield from (argument for argument in call.arguments if isinstance(argument, Function))


def _walk(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        if isinstance(step, Loop):
            yield from _walk(step.steps)


def _depth(steps: Sequence[Step]) -> int:
    return max([1 + _depth(step.steps) for step in steps if isinstance(step, Loop)], default=0)


def _time(steps: Sequence[Step], calls: Mapping[int, NativeCall]) -> float:
    """Nanoseconds, roughly."""
    return sum(
        step.count * _time(step.steps, calls) if isinstance(step, Loop) else calls[id(step)].nanoseconds
        for step in steps
    )


class _Tables:
    """Steps as records."""

    def __init__(self, program: Program, calls: Mapping[int, NativeCall], addresses: Mapping[str, int]) -> None:
        self.program, self.calls, self.addresses = program, calls, addresses

    def records(self, steps: Sequence[Step], depth: int) -> list[int]:
        return [
            word
            for step in steps
            for word in (self.loop(step, depth) if isinstance(step, Loop) else self.call(self.calls[id(step)], depth))
        ]

    def loop(self, step: Loop, depth: int) -> list[int]:
        body = [*self.records(step.steps, depth + 1), END]
        return [LOOP, 8 * depth, step.count, len(body), *body]

    def call(self, call: NativeCall, depth: int) -> list[int]:
        arguments = call.arguments
        crew = workers.crew() if call.chunk else 0
        head = [self.addresses[call.function.name], 0, call.span, len(arguments), crew, call.chunk]
        if not any([isinstance(argument, Ref) and any(argument.strides) for argument in arguments]):
            return [CALL, *head, *(word for argument in arguments for word in self.place(argument))]
        words = [STEP, *head, depth]
        for argument in arguments:
            strides = argument.strides if isinstance(argument, Ref) else ()
            words += [*self.place(argument), *strides, *[0] * (depth - len(strides))]
        return words

    def place(self, argument: Ref | int | Function) -> tuple[int, int]:
        """Slot and offset."""
        if isinstance(argument, Function):
            return 0, self.addresses[argument.name]
        if not isinstance(argument, Ref):
            return 0, int(argument)
        match argument.slot:
            case "input":
                return 8 * (FIRST_SLOT + argument.index), argument.offset
            case "output":
                return 8 * (FIRST_SLOT + len(self.program.inputs) + argument.index), argument.offset
            case "constant":
                return 0, self.program.constants[argument.index].ctypes.data + argument.offset
            case "work":
                return 8, argument.offset
            case SCRATCH.slot:
                return 8, scratch_start(self.program) + argument.offset
        raise ValueError(f"{argument}: unknown slot.")
