"""Kernels run by NumPy, an instruction at a time along the inner axis: what emitted code is compared with."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.compiler.functions import FUNCTIONS
from wengert.compiler.kernel import REDUCTIONS, Instruction, Kernel, identity_of

__all__ = ["interpret"]

Memory = tuple[np.ndarray[Any, Any], int]

_COMBINE: dict[str, np.ufunc] = {
    "sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum, "any": np.logical_or,
    "all": np.logical_and,
}  # fmt: skip


def interpret(kernel: Kernel, memories: Sequence[Memory]) -> None:
    """Run a kernel. Each operand has a slot, an array of one dimension, and its place there, in elements.

    A body may not load what it stores for another element.

    >>> from wengert.compiler.kernel import Operand, Stage
    >>> f8 = np.dtype(float)
    >>> body = (Instruction("load", (), f8, (0,)), Instruction("reduce", (0,), f8, "sum"))
    >>> after = (Instruction("store", (1,), f8, (1,)),)
    >>> operands = (Operand(f8, (3,), 1), Operand(f8, (1,), 0, "write"))
    >>> kernel = Kernel((2,), 3, operands, (Stage((), body), Stage(after, ())))
    >>> sums = np.zeros(2)
    >>> interpret(kernel, [(np.arange(6.0), 0), (sums, 0)])
    >>> sums
    array([ 3., 12.])
    """
    kernel.validate()
    if len(memories) != len(kernel.operands):
        raise ValueError(f"The kernel has {len(kernel.operands)} operands; memory is given for {len(memories)}.")
    for k, ((array, _), operand) in enumerate(zip(memories, kernel.operands, strict=True)):
        if array.ndim != 1 or array.dtype != operand.dtype:
            raise ValueError(f"Operand {k}: give an array of one dimension and {operand.dtype}, not {array.dtype}.")
    with np.errstate(all="ignore"):
        for row in itertools.product(*[range(extent) for extent in kernel.rows]):
            _Row(kernel, memories, row).run()


class _Row:
    """One row: the values of instructions, numbers of the row or arrays along the inner axis."""

    def __init__(self, kernel: Kernel, memories: Sequence[Memory], row: tuple[int, ...]) -> None:
        self.kernel, self.memories, self.row = kernel, memories, row
        self.values: dict[int, Any] = {}

    def run(self) -> None:
        for number, _, in_body, instruction in self.kernel.numbered():
            self.values[number] = self.value(instruction, in_body)

    def places(self, k: int, in_body: bool) -> Any:
        """Where an operand's elements are in its slot."""
        operand, offset = self.kernel.operands[k], self.memories[k][1]
        start = offset + sum([i * step for i, step in zip(self.row, operand.rows, strict=True)])
        return start + operand.inner * np.arange(self.kernel.inner) if in_body else start

    def value(self, instruction: Instruction, in_body: bool) -> Any:
        fn, args, dtype, attr = instruction
        values = [self.values[arg] for arg in args]
        if fn == "constant":
            return np.asarray(attr).astype(dtype)[()]
        if fn == "index":
            return np.arange(self.kernel.inner) if attr == -1 else np.int64(self.row[attr])
        if fn == "load":
            return self.read(attr[0], self.places(attr[0], in_body))
        if fn == "store":
            return self.write(attr[0], self.places(attr[0], in_body), values[0])
        if fn == "gather":
            offsets, _ = self.located(attr, values, in_body)
            return dtype.type(0) if 0 in attr[3] else self.read(attr[0], self.places(attr[0], in_body) + offsets)
        if fn == "scatter":
            offsets, inside = self.located(attr, values[1:], in_body)
            places, inside, value = np.broadcast_arrays(self.places(attr[0], in_body) + offsets, inside, values[0])
            return self.write(attr[0], places[inside], value[inside])
        if fn == "reduce":
            spread = np.broadcast_to(values[0], (self.kernel.inner,)).astype(dtype)
            return _COMBINE[attr].reduce(spread, initial=identity_of(attr, dtype)).astype(dtype)
        if fn == "cast":
            return np.asarray(values[0]).astype(dtype)[()]
        if fn not in FUNCTIONS:
            raise ValueError(f"{instruction}: there is no function {fn!r}.")
        return np.asarray(FUNCTIONS[fn](*values)).astype(dtype)[()]

    def located(self, attr: Any, values: list[Any], in_body: bool) -> tuple[Any, Any]:
        """Where positions lead, and whether they are within; status is set if one is not."""
        _, status, steps, extents = attr
        offsets: Any = 0
        inside: Any = True
        for value, step, extent in zip(values, steps, extents, strict=True):
            position = np.where(value < 0, value + extent, value)
            within = (position >= 0) & (position < extent)
            inside = inside & within
            offsets = offsets + np.where(within, position, 0) * step
        array, offset = self.memories[status]
        if not np.all(inside) and (self.kernel.inner or not in_body):
            array[offset] = 1
        return offsets, inside

    def checked(self, k: int, places: Any) -> Any:
        size = self.memories[k][0].size
        if np.any((np.asarray(places) < 0) | (np.asarray(places) >= size)):
            raise IndexError(f"Operand {k}, row {self.row}: place {places} is outside its slot of {size} elements.")
        return places

    def read(self, k: int, places: Any) -> Any:
        return self.memories[k][0][self.checked(k, places)]

    def write(self, k: int, places: Any, value: Any) -> None:
        array, use = self.memories[k][0], self.kernel.operands[k].use
        places, value = np.broadcast_arrays(self.checked(k, places), np.asarray(value))
        if use in REDUCTIONS:
            _COMBINE[use].at(array, places, value.astype(array.dtype))
        else:
            array[places.ravel()] = value.ravel()  # of equal places, the last one counts
