"""From groups to a program: where every value is kept, and the steps that compute it.

Outputs and what joins are made of are computed in place; everything else lies in one workspace, at places that are used
again as soon as nobody needs what was there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from wengert._types import Shape
from wengert.compiler.build import dense_strides
from wengert.compiler.fuse import SINKS, Group, is_pointwise, use_of
from wengert.compiler.graph import Value
from wengert.compiler.kernel import REDUCTIONS, Instruction, Kernel, Lanes, Operand, Stage, identity_of
from wengert.compiler.loops import NotOneLoop, Place, kernel_of
from wengert.compiler.plan_loops import plan_loop
from wengert.compiler.program import ArraySpec, Call, Gemm, Program, Ref, refs_of, with_refs

__all__ = ["NOTHING", "plan"]

ALIGNMENT = 64
NOTHING: Mapping[int, int] = MappingProxyType({})


def plan(
    groups: Sequence[Group], inputs: Sequence[Value], outputs: Sequence[Value], donated: Mapping[int, int] = NOTHING
) -> tuple[Program, list[tuple[Value, ...]]]:
    """A program that computes ``outputs`` (each once) from ``inputs`` by ``groups``; what each step is for.

    ``donated`` says which outputs are to be left in the memory of which inputs; these are then no outputs any more.
    """
    planned = _Plan(groups, inputs, outputs, donated)
    return planned.program(), planned.origins


class _Buffer:
    """A stretch of the workspace: its size in bytes, and the steps from which and up to which it is needed."""

    __slots__ = ("first", "last", "offset", "size")

    def __init__(self, size: int, first: int) -> None:
        self.size = size
        self.first = self.last = first
        self.offset = 0


class _Plan:
    def __init__(
        self,
        groups: Sequence[Group],
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        donated: Mapping[int, int],
    ) -> None:
        self.groups = groups
        self.inputs = inputs
        self.outputs = [y for i, y in enumerate(outputs) if i not in donated]
        self.donated = [(outputs[i], j) for i, j in donated.items()]
        self.steps: list[Any] = []
        self.origins: list[tuple[Value, ...]] = []
        """For each step, the values that it computes."""
        self._current: tuple[Value, ...] = ()
        self.constants: list[np.ndarray[Any, Any]] = []
        self.where: dict[int, Ref] = {}
        self.buffers: list[_Buffer] = []
        self.status: Ref | None = None
        self._constant_at: dict[int, int] = {}
        self.readers: dict[int, list[int]] = {}
        """For each value, the groups (by position) that read it from memory."""
        self.group_of: dict[int, int] = {}
        self.joins: dict[int, tuple[Value, int]] = {}
        self._copied: set[int] = set()
        """Values that are copied to the memory of an input at the end."""

    def program(self) -> Program:
        """The program."""
        for i, x in enumerate(self.inputs):
            self.where[x.number] = Ref("input", i)
        for i, y in enumerate(self.outputs):
            self.where[y.number] = Ref("output", i)
        for position, group in enumerate(self.groups):
            for value in group.nodes:
                self.group_of[value.number] = position
        for position, group in enumerate(self.groups):
            for value in group.nodes:
                for k, x in enumerate(value.inputs):
                    use = use_of(x)
                    inside = is_pointwise(value, k) and self.group_of.get(use.root.number) == position
                    if not inside or use.axes is None:
                        self.readers.setdefault(use.root.number, []).append(position)
        given = [(y, j) for y, j in self.donated if not self._takes_over(y, self.inputs[j], j)]
        self._copied = {y.number for y, _ in given}
        self._find_joined()
        for group in self.groups:
            self._group(group)
        for y, j in given:
            self._current = (y,)
            dense = dense_strides(y.shape)
            self._copy(y.shape, self._ref(y), dense, Ref("input", j), dense, y.dtype)
        return self._finished()

    def _takes_over(self, y: Value, x: Value, j: int) -> bool:
        """Let ``y`` be computed in the memory of the input ``x``, if nobody reads ``x`` later or at another place."""
        position = self.group_of[y.number]
        group = self.groups[position]
        readers = self.readers.get(x.number, [])
        if any([p > position for p in readers]) or not group.is_kernel or y.prim in ("reduce", *SINKS):
            return False
        frame = group.result_frame(y)
        for user in group.nodes:
            for k, z in enumerate(user.inputs):
                use = use_of(z)
                if use.root is x and not (is_pointwise(user, k) and group.use_frame(user, use) == frame):
                    return False
        if group.inner is not None and position in readers:
            return False  # a later stage may read it again
        if position in readers and not _depends(y, x, group):
            return False  # the kernel may read it after ``y`` is stored
        self.where[y.number] = Ref("input", j)
        return True

    # Memory

    def _ref(self, value: Value) -> Ref:
        """Where ``value`` is, as a root of uses."""
        known = self.where.get(value.number)
        if known is not None:
            return known
        if value.prim == "constant":
            index = self._constant_at.get(value.number)
            if index is None:
                index = self._constant_at[value.number] = len(self.constants)
                self.constants.append(np.ascontiguousarray(value.attrs))
            return Ref("constant", index)
        joined = self.joins.get(value.number)
        if joined is not None:
            made = self._ref(joined[0])._replace(offset=self._ref(joined[0]).offset + joined[1])
        else:
            made = Ref("work", self._buffer(value.size * value.dtype.itemsize))
        self.where[value.number] = made
        return made

    def _buffer(self, size: int) -> int:
        self.buffers.append(_Buffer(max(size, 1), len(self.steps)))
        return len(self.buffers) - 1

    def _at(self, place: Ref, elements: int, dtype: np.dtype[Any]) -> Ref:
        return place._replace(offset=place.offset + elements * dtype.itemsize)

    def _step(self, step: Any) -> None:
        for ref in refs_of(step):
            if ref.slot == "work":
                self.buffers[ref.index].last = len(self.steps)
        self.steps.append(step)
        self.origins.append(self._current)

    def _is_stored(self, value: Value) -> bool:
        asked = value.number in self.where or any([value is y for y, _ in self.donated])
        return asked or bool(self.readers.get(value.number))

    def _find_joined(self) -> None:
        """Values that can be computed right where a join wants them."""
        for group in self.groups:
            (join, *_) = group.nodes
            if join.prim != "join":
                continue
            axis = join.attrs
            if math.prod(join.shape[:axis]) != 1:
                continue
            offset = 0
            for x in join.inputs:
                use = use_of(x)
                root = use.root
                contiguous = use.affine.offset == 0 and root.size == x.size and _is_dense(x.shape, use.affine.strides)
                placed = root.number in self.where or root.number in self.joins or root.prim in ("input", "constant")
                if contiguous and not placed and root.number in self.group_of and root.prim not in SINKS:
                    self.joins[root.number] = join, offset
                offset += x.size * x.dtype.itemsize

    # Steps

    def _group(self, group: Group) -> None:
        first = group.nodes[0]
        self._current = tuple(group.nodes)
        if group.is_kernel:
            self._kernel(group)
        elif first.prim == "matmul":
            self._matmul(first)
        elif first.prim == "join":
            self._join(first)
        elif first.prim == "loop":
            plan_loop(self, group, plan)
        else:
            raise ValueError(f"{first.describe()}: there is no native step for it; a mistake of the compiler's.")

    def _kernel(self, group: Group) -> None:
        stored = {v.number for v in group.nodes if self._is_stored(v) and v.prim not in SINKS}
        try:
            kernel, places = kernel_of(group, stored)
        except NotOneLoop:
            for alone in _one_by_one(group):
                for value in alone.nodes:
                    self.readers.setdefault(value.number, []).append(self.group_of[value.number])
                self._kernel(alone)
            return
        for value in group.nodes:
            if value.prim in SINKS and value.prim != "alarm":
                self._prepare_target(value)
        for operand, place in zip(kernel.operands, places, strict=True):
            if place.value is not None and place.value.prim == "reduce" and operand.use in REDUCTIONS:
                self._fill(place.value, identity_of(operand.use, operand.dtype))
        self._step(Call(kernel, tuple([self._place(p, o) for p, o in zip(places, kernel.operands, strict=True)])))

    def _place(self, place: Place, operand: Operand) -> Ref:
        if place.kind == "status":
            return self._status_word()
        if place.kind == "scratch":
            return Ref("work", self._buffer(place.size * operand.dtype.itemsize))
        assert place.value is not None
        return self._at(self._ref(place.value), place.offset, operand.dtype)

    def _status_word(self) -> Ref:
        if self.status is None:
            self.status = Ref("work", self._buffer(4))
        return self.status

    def _fill(self, value: Value, number: Any) -> None:
        self._step(Call(_filling(value.size, value.dtype, number), (self._ref(value),)))

    def _prepare_target(self, value: Value) -> None:
        """Let the memory of an update hold what is to be updated."""
        use = use_of(value.inputs[0])
        x = use.root
        position = self.group_of[value.number]
        if x.prim == "constant" and x.ndim == 0:
            self._fill(value, x.attrs[()])
            return
        place = self.where.get(x.number)
        whole = _is_dense(use.shape, use.affine.strides) and use.affine.offset == 0 and x.size == value.size
        mine = place is not None and place.slot == "work" and value.number not in self.where
        last = self.readers.get(x.number, []).count(position) == 1 and self._last_read(x.number, position) == position
        if mine and whole and last and x.number not in self.joins:
            self.where[value.number] = place  # type: ignore[assignment]  # mine
            return
        source = self._at(self._ref(x), use.affine.offset, x.dtype)
        self._copy(value.shape, source, use.affine.strides, self._ref(value), dense_strides(value.shape), value.dtype)

    def _last_read(self, number: int, position: int) -> int:
        """The last group, from ``position`` on, that reads a value or what is kept in its memory."""
        if number in self._copied:
            return len(self.groups)
        parts = [n for n, (join, _) in self.joins.items() if join.number == number]
        later = [self._last_read(n, position) + (position in self.readers.get(n, [])) for n in parts]
        return max([position, *self.readers.get(number, []), *later])

    def _copy(
        self, shape: Shape, source: Ref, strides: Sequence[int], target: Ref, steps: Sequence[int], dtype: np.dtype[Any]
    ) -> None:
        self._step(Call(_copying(shape, strides, steps, dtype), (source, target)))

    def _join(self, join: Value) -> None:
        axis = join.attrs
        steps = dense_strides(join.shape)
        offset = 0
        for x in join.inputs:
            use = use_of(x)
            if self.joins.get(use.root.number, (None, -1)) != (join, offset * x.dtype.itemsize):
                source = self._at(self._ref(use.root), use.affine.offset, x.dtype)
                target = self._at(self._ref(join), offset, x.dtype)
                self._copy(x.shape, source, use.affine.strides, target, steps, x.dtype)
            offset += x.shape[axis] * steps[axis]
        self._touch(join)

    def _touch(self, value: Value) -> None:
        place = self._ref(value)
        if place.slot == "work":
            self.buffers[place.index].last = max(self.buffers[place.index].last, len(self.steps))

    def _matmul(self, value: Value) -> None:
        a, b = value.inputs[:2]
        m, n, k = value.shape[-2], value.shape[-1], a.shape[-1]
        batch = value.shape[:-2]
        count = math.prod(batch)
        left, right = self._matrices(a, batch), self._matrices(b, batch)
        target = self._ref(value)
        dtype = value.dtype
        ra, lda, ta, step_a = left
        rb, ldb, tb, step_b = right
        if step_a is None or step_b is None:  # the stacks are not laid out evenly
            for i, place in enumerate(np.ndindex(*batch)):
                refs = []
                for (ref, ld, t, _), x in ((left, a), (right, b)):
                    offset = sum([p * s for p, s in zip(place, self._batch_strides(x, batch), strict=True)])
                    refs.append((self._at(ref, offset, dtype), ld, t))
                (ra, lda, ta), (rb, ldb, tb) = refs
                self._step(Gemm(dtype, m, n, k, ra, rb, self._at(target, i * m * n, dtype), lda, ldb, n, ta, tb))
            return
        self._step(
            Gemm(dtype, m, n, k, ra, rb, target, lda, ldb, n, ta, tb, count=count, steps=(step_a, step_b, m * n))
        )

    def _batch_strides(self, x: Value, batch: Shape) -> list[int]:
        use = use_of(x)
        strides = list(use.affine.strides[:-2])
        lengths = x.shape[:-2]
        strides = [0 if n == 1 else s for n, s in zip(lengths, strides, strict=True)]
        return [0] * (len(batch) - len(strides)) + strides

    def _matrices(self, x: Value, batch: Shape) -> tuple[Ref, int, bool, int | None]:
        """A factor as BLAS takes it: place, leading dimension, transposed or not, step from matrix to matrix."""
        use = use_of(x)
        rows, columns = x.shape[-2:]
        down, across = use.affine.strides[-2:]
        place = self._at(self._ref(use.root), use.affine.offset, x.dtype)
        step = _even(batch, self._batch_strides(x, batch))
        if (across == 1 or columns == 1) and (down >= columns or rows == 1):
            return place, max(down if rows > 1 else columns, 1), False, step
        if (down == 1 or rows == 1) and (across >= rows or columns == 1):
            return place, max(across if columns > 1 else rows, 1), True, step
        copy = Ref("work", self._buffer(x.size * x.dtype.itemsize))
        self._copy(x.shape, place, use.affine.strides, copy, dense_strides(x.shape), x.dtype)
        x_batch = [0 if n == 1 else s for n, s in zip(x.shape[:-2], dense_strides(x.shape)[:-2], strict=True)]
        x_batch = [0] * (len(batch) - len(x_batch)) + x_batch
        return copy, columns, False, _even(batch, x_batch) if _even(batch, x_batch) is not None else 0

    # Putting together

    def _finished(self) -> Program:
        status = None
        if self.status is not None:
            buffer = self.buffers[self.status.index]
            buffer.first, buffer.last = 0, len(self.steps)
        work = _laid_out(self.buffers)

        def settled(ref: Ref) -> Ref:
            if ref.slot != "work":
                return ref
            return Ref("work", 0, self.buffers[ref.index].offset + ref.offset, ref.strides)

        steps = [with_refs(step, settled) for step in self.steps]
        if self.status is not None:
            status = self.buffers[self.status.index].offset
        return Program(
            tuple([ArraySpec(x.shape, x.dtype) for x in self.inputs]),
            tuple([ArraySpec(y.shape, y.dtype) for y in self.outputs]),
            tuple(self.constants),
            work,
            tuple(steps),
            status,
        )


def _one_by_one(group: Group) -> list[Group]:
    """The values of a group in groups of their own."""
    return [Group(value, 0.0) for value in group.nodes]


def _depends(y: Value, x: Value, group: Group) -> bool:
    """Whether a value of a group is computed from ``x``."""
    reached = {x.number}
    for value in group.nodes:
        if any([use_of(z).root.number in reached for z in value.inputs]):
            reached.add(value.number)
    return y.number in reached


def _is_dense(shape: Shape, strides: Sequence[int]) -> bool:
    return all([n <= 1 or s == d for n, s, d in zip(shape, strides, dense_strides(shape), strict=True)])


def _even(batch: Shape, strides: Sequence[int]) -> int | None:
    """The step from each matrix of a stack to the next, if it is always the same."""
    axes = [(n, s) for n, s in zip(batch, strides, strict=True) if n != 1]
    for (_, outer), (n, s) in itertools.pairwise(axes):
        if outer != n * s:
            return None
    return axes[-1][1] if axes else 0


def _laid_out(buffers: Sequence[_Buffer]) -> int:
    """Give each buffer its offset; the size of all. Stretches of time that don't meet share memory."""
    placed: list[_Buffer] = []
    total = 0
    for buffer in sorted(buffers, key=lambda b: -b.size):
        size = -(-buffer.size // ALIGNMENT) * ALIGNMENT
        taken = sorted(
            [(p.offset, p.offset + -(-p.size // ALIGNMENT) * ALIGNMENT) for p in placed
             if p.first <= buffer.last and buffer.first <= p.last]
        )  # fmt: skip
        offset = 0
        for start, end in taken:
            if start - offset >= size:
                break
            offset = max(offset, end)
        buffer.offset = offset
        total = max(total, offset + size)
        placed.append(buffer)
    return total


def _filling(size: int, dtype: np.dtype[Any], number: Any) -> Kernel:
    constant = Instruction("constant", (), dtype, dtype.type(number))
    store = Instruction("store", (0,), dtype, (0,))
    return Kernel((), size, (Operand(dtype, (), 1, "write"),), (Stage((constant,), (store,)),))


def _copying(shape: Shape, strides: Sequence[int], steps: Sequence[int], dtype: np.dtype[Any]) -> Kernel:
    axes: list[tuple[int, int, int]] = []
    for n, s, t in zip(shape, strides, steps, strict=True):
        if n == 1:
            continue
        if axes and axes[-1][1] == n * s and axes[-1][2] == n * t:
            axes[-1] = axes[-1][0] * n, s, t
        else:
            axes.append((n, s, t))
    *rows, (inner, s, t) = axes or [(1, 0, 0)]
    source = Operand(dtype, tuple([r[1] for r in rows]), s)
    target = Operand(dtype, tuple([r[2] for r in rows]), t, "write")
    load, store = Instruction("load", (), dtype, (0,)), Instruction("store", (0,), dtype, (1,))
    lanes: Lanes = "rows" if rows and s not in (0, 1) and rows[-1][1] == 1 else "inner"
    return Kernel(tuple([r[0] for r in rows]), inner, (source, target), (Stage((), (load, store)),), lanes)
