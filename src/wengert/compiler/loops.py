"""From a group of values to a kernel: axes, memory operands, stages, instructions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.compiler.build import dense_strides
from wengert.compiler.functions import TRANSCENDENTAL
from wengert.compiler.fuse import SINKS, Group, Use, pointwise_inputs, use_of
from wengert.compiler.graph import Value
from wengert.compiler.kernel import Instruction, Kernel, Operand, Stage
from wengert.compiler.program import ALARM

__all__ = ["NotOneLoop", "Place", "kernel_of"]

INT = np.dtype(np.int64)
STATUS = np.dtype(np.int32)


class NotOneLoop(Exception):
    """The group's inner axes can't be walked as one: its values have to be computed one by one."""


class Place(NamedTuple):
    """What an operand of a kernel points to: an element of a value's memory, of the status word, or of scratch."""

    kind: str
    value: Value | None
    offset: int = 0
    size: int = 0


class _Axis(NamedTuple):
    """Axes of a group that are walked as one, the outermost first."""

    group_axes: tuple[int, ...]
    extent: int


def kernel_of(group: Group, stored: set[int]) -> tuple[Kernel, list[Place]]:
    """The kernel of a group, and where its operands are. ``stored`` are the numbers of the values kept in memory."""
    return _Loops(group, stored).build()


class _Loops:
    def __init__(self, group: Group, stored: set[int]) -> None:
        self.group = group
        self.stored = stored
        self.own = {v.number: v for v in group.nodes}
        self.rows, self.inner = self._arranged()
        self.inner_axes = frozenset(self.inner.group_axes) if self.inner is not None else frozenset()
        self.operands: list[Operand] = []
        self.places: list[Place] = []
        self._operand_of: dict[Any, int] = {}
        self.level: dict[int, int] = {}
        self.stages: list[tuple[list[Instruction], list[Instruction]]] = []

    # Axes

    def _accesses(self) -> list[tuple[int, ...]]:
        """For each operand in memory, its step along each axis of the group."""
        found = []
        for value in self.group.nodes:
            for x in pointwise_inputs(value):
                use = use_of(x)
                if use.root.number not in self.own and not _is_number(use.root):
                    found.append(self._read_steps(value, use))
            if value.prim == "gather":
                found.append(self._along(self.group.frames[value.number], value.attrs.affine.strides))
            if value.prim == "alarm":
                continue
            if value.prim in SINKS:
                affine = value.attrs[0] if value.prim == "update" else value.attrs[0].affine
                found.append(self._along(self.group.frames[value.number], affine.strides))
            elif value.number in self.stored:
                found.append(self._along(self.group.result_frame(value), dense_strides(value.shape)))
        return found

    def _along(self, frame: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
        steps = [0] * len(self.group.extents)
        for axis, stride in zip(frame, strides, strict=True):
            if axis >= 0:
                steps[axis] += stride
        return tuple(steps)

    def _read_steps(self, user: Value, use: Use) -> tuple[int, ...]:
        frame = self.group.frames[user.number]
        return self._along(frame[len(frame) - len(use.shape) :], use.affine.strides)

    def _arranged(self) -> tuple[list[_Axis], _Axis | None]:
        """The row axes and the inner axis, with axes merged where every operand's memory allows."""
        group = self.group
        inner = group.inner
        accesses = self._accesses()
        together = [group.reduced(v) for v in group.nodes if v.prim == "reduce"]
        counted = {group.frames[v.number][v.attrs] for v in group.nodes if v.prim == "index" and v.shape[v.attrs] != 1}

        def mergeable(a: int, b: int) -> bool:
            n = group.extents[b]
            return (
                a not in counted
                and b not in counted
                and all([(a in r) == (b in r) for r in together])
                and all([steps[a] == steps[b] * n for steps in accesses])
            )

        def merged(axes: Sequence[int]) -> list[_Axis]:
            made: list[list[int]] = []
            for axis in axes:
                if made and mergeable(made[-1][-1], axis):
                    made[-1].append(axis)
                else:
                    made.append([axis])
            return [_Axis(tuple(m), int(np.prod([group.extents[a] for a in m]))) for m in made]

        everything = range(len(group.extents))
        if inner is None:
            axes = merged(everything)
            return (axes[:-1], axes[-1]) if axes else ([], None)
        rows = merged([a for a in everything if a not in inner])
        inside = merged(sorted(inner))
        if len(inside) > 1:
            raise NotOneLoop
        return rows, inside[0]

    # Operands

    def _operand(self, place: Place, dtype: np.dtype[Any], steps: Sequence[int], use: str = "read") -> int:
        rows = tuple([steps[axis.group_axes[-1]] for axis in self.rows])
        inner = steps[self.inner.group_axes[-1]] if self.inner is not None else 0
        key = (place.kind, None if place.value is None else place.value.number, place.offset, rows, inner, use)
        known = self._operand_of.get(key)
        if known is None:
            known = self._operand_of[key] = len(self.operands)
            self.operands.append(Operand(dtype, rows, inner, use))
            self.places.append(place)
        return known

    def _status(self, use: str = "write") -> int:
        return self._operand(Place("status", None), STATUS, [0] * len(self.group.extents), use)

    # Instructions

    def build(self) -> tuple[Kernel, list[Place]]:
        """The kernel."""
        group = self.group
        for value in group.nodes:
            self.level[value.number] = max([0, *[self._level_of_use(use_of(x)) for x in pointwise_inputs(value)]])
        last = 0
        for value in group.nodes:
            level = self.level[value.number]
            if (
                value.prim == "reduce"
                and self._is_element(value)
                and (value.number in self.stored or self._is_used_within(value))
            ):
                level += 1
            last = max(last, level)
        emitted = _Emitted(self, last + 1)
        for value in group.nodes:
            emitted.home(value)
        lanes = self._lanes()
        if lanes == "rows":
            self._widen_scratch()
        kernel = Kernel(
            tuple([axis.extent for axis in self.rows]),
            self.inner.extent if self.inner is not None else 1,
            tuple(self.operands),
            emitted.stages(),
            lanes,
        )
        kernel.validate()
        return kernel, self.places

    def _widen_scratch(self) -> None:
        """Give each row of the last row axis scratch of its own: vectors run across them."""
        count = self.rows[-1].extent
        for i, (operand, place) in enumerate(zip(self.operands, self.places, strict=True)):
            if operand.use == "scratch":
                self.operands[i] = operand._replace(rows=(*operand.rows[:-1], 1), inner=count)
                self.places[i] = place._replace(size=place.size * count)

    def _lanes(self) -> Any:
        """Vectors run along the last row axis where memory does, and not along the inner axis."""
        if not self.rows or self.inner is None or self.inner.extent == 1:
            return "inner"
        if any([op.use not in ("read", "write", "scratch") for op in self.operands]):
            return "inner"
        along_inner = sum([op.inner in (0, 1) for op in self.operands if op.dtype != STATUS])
        along_rows = sum([op.rows[-1] in (0, 1) for op in self.operands if op.dtype != STATUS])
        return "rows" if along_rows > along_inner else "inner"

    def _is_used_within(self, value: Value) -> bool:
        return any([use_of(x).root is value for v in self.group.nodes for x in pointwise_inputs(v)])

    def _level_of_use(self, use: Use) -> int:
        value = self.own.get(use.root.number)
        if value is None:
            return 0
        return self.level[value.number] + (value.prim == "reduce" and self._is_element(value))

    def _is_element(self, value: Value) -> bool:
        """Whether the value is computed on elements, not on rows."""
        return bool(self.group.axes_in(value.number) & self.inner_axes)

    def is_element_result(self, value: Value) -> bool:
        """Whether its result is a value of elements."""
        return bool(frozenset([a for a in self.group.result_frame(value) if a >= 0]) & self.inner_axes)


class _Emitted:
    """Instructions of the stages, made as they are asked for."""

    def __init__(self, loops: _Loops, count: int) -> None:
        self.loops = loops
        self.group = loops.group
        self.blocks: list[tuple[list[Any], list[Any]]] = [([], []) for _ in range(count)]
        self._known: dict[Any, Any] = {}
        self._scratch: dict[int, int] = {}

    def stages(self) -> tuple[Stage, ...]:
        """The stages, with instructions numbered in order."""
        number: dict[int, int] = {}
        stages = []
        count = 0
        for block in self.blocks:
            parts = []
            for half in block:
                made = []
                for cell in half:
                    fn, args, dtype, attr = cell
                    made.append(Instruction(fn, tuple([number[id(a)] for a in args]), dtype, attr))
                    number[id(cell)] = count
                    count += 1
                parts.append(tuple(made))
            stages.append(Stage(*parts))
        return tuple(stages)

    def _emit(self, stage: int, on_elements: bool, fn: str, args: Sequence[Any], dtype: Any, attr: Any = None) -> Any:
        if fn == "constant" or (not on_elements and fn in ("load", "index")):
            stage = 0  # it may be asked for by an earlier stage next time
        what = attr.tobytes() if fn == "constant" else attr  # 0.0 is not -0.0
        where = stage if on_elements or fn in ("load", "store", "gather", "scatter") else -1
        key = (where, on_elements, fn, tuple([id(a) for a in args]), dtype, what)
        known = self._known.get(key) if fn not in ("store", "scatter") else None
        if known is None:
            cell = (fn, tuple(args), dtype, attr)
            self.blocks[stage][on_elements].append(cell)
            known = self._known[key] = cell
        return known

    def home(self, value: Value) -> None:
        """Compute what has to be computed of ``value`` once: what is stored, reduced, or kept for later stages."""
        loops = self.loops
        level = loops.level[value.number]
        if value.prim in SINKS:
            self._sink(value, level)
        elif value.prim == "reduce":
            self._reduction(value, level)
        elif value.number in loops.stored:
            cell = self._value(value, level)
            self._store(value, cell, level, loops.is_element_result(value))

    def _store(self, value: Value, cell: Any, stage: int, on_elements: bool, use: str = "write") -> None:
        loops = self.loops
        steps = loops._along(self.group.result_frame(value), dense_strides(value.shape))
        operand = loops._operand(Place("value", value), value.dtype, steps, use)
        self._emit(stage, on_elements, "store", (cell,), value.dtype, (operand,))

    def _sink(self, value: Value, stage: int) -> None:
        loops = self.loops
        if value.prim == "alarm":
            self._alarm(value, stage)
            return
        kind = value.attrs[1]
        use = "write" if kind == "set" else "sum"
        frame = self.group.frames[value.number]
        cell = self._used(value, 1, stage)
        on_elements = loops._is_element(value)
        if value.prim == "update":
            affine = value.attrs[0]
            steps = loops._along(frame, affine.strides)
            operand = loops._operand(Place("value", value, affine.offset), value.dtype, steps, use)
            self._emit(stage, on_elements, "store", (cell,), value.dtype, (operand,))
            return
        gathered = value.attrs[0]
        positions = [self._used(value, k, stage) for k in range(2, len(value.inputs))]
        steps = loops._along(frame, gathered.affine.strides)
        operand = loops._operand(Place("value", value, gathered.affine.offset), value.dtype, steps, use)
        attr = (operand, loops._status(), gathered.steps, gathered.extents)
        self._emit(stage, on_elements, "scatter", (cell, *positions), value.dtype, attr)

    def _alarm(self, value: Value, stage: int) -> None:
        """Note in the status word that the condition holds."""
        held = self._emit(stage, False, "cast", (self._used(value, 0, stage),), STATUS)
        number = self._emit(stage, False, "constant", (), STATUS, STATUS.type(ALARM))
        cell = self._emit(stage, False, "mul", (held, number), STATUS)
        self._emit(stage, False, "store", (cell,), STATUS, (self.loops._status("max"),))

    def _reduction(self, value: Value, level: int) -> None:
        loops = self.loops
        kind = value.attrs[0]
        reduced = self.group.reduced(value)
        stored = value.number in loops.stored
        if not loops._is_element(value):  # rows are reduced, into memory
            self._store(value, self._used(value, 0, level), level, False, kind if reduced else "write")
            return
        if not reduced & loops.inner_axes:
            self._store(value, self._used(value, 0, level), level, True, kind if reduced else "write")
            return
        if not stored and not loops._is_used_within(value):
            return
        cell = self._emit(level, True, "reduce", (self._used(value, 0, level),), value.dtype, kind)
        self._known[("row", value.number)] = cell
        if stored:
            rest = reduced - loops.inner_axes
            self._store(value, cell, level + 1, False, kind if rest else "write")

    def _used(self, user: Value, which: int, stage: int) -> Any:
        """The input number ``which`` of a value of the group."""
        return self._input(user, user.inputs[which], stage)

    def _input(self, user: Value, x: Value, stage: int) -> Any:
        loops = self.loops
        use = use_of(x)
        root = use.root
        if _is_number(root):
            return self._emit(stage, False, "constant", (), root.dtype, root.attrs[()])
        if root.number in loops.own:
            return self._value(root, stage)
        steps = loops._read_steps(user, use)
        operand = loops._operand(Place("value", root, use.affine.offset), root.dtype, steps)
        on_elements = bool(loops.operands[operand].inner)
        return self._load(operand, root.dtype, stage, on_elements)

    def _load(self, operand: int, dtype: Any, stage: int, on_elements: bool) -> Any:
        if not on_elements:
            known = self._known.get(("row load", operand))
            if known is not None:
                return known
        cell = self._emit(stage, on_elements, "load", (), dtype, (operand,))
        if not on_elements:
            self._known["row load", operand] = cell
        return cell

    def _value(self, value: Value, stage: int) -> Any:
        """A value of the group, in a stage not before its own."""
        loops = self.loops
        if value.prim == "reduce":
            return self._known["row", value.number]
        on_elements = loops.is_element_result(value)
        if not on_elements:
            known = self._known.get(("row", value.number))
            if known is None:
                known = self._known["row", value.number] = self._compute(value, loops.level[value.number], False)
            return known
        known = self._known.get(("element", value.number, stage))
        if known is not None:
            return known
        home = loops.level[value.number]
        if stage > home and not self._is_cheap(value, 3):
            known = self._again(value, home, stage)
        else:
            known = self._compute(value, stage, True)
        self._known["element", value.number, stage] = known
        return known

    def _again(self, value: Value, home: int, stage: int) -> Any:
        """A value of an earlier stage's elements, from memory."""
        loops = self.loops
        if value.number in loops.stored:
            steps = loops._along(self.group.result_frame(value), dense_strides(value.shape))
            operand = loops._operand(Place("value", value), value.dtype, steps)
        else:
            known = self._scratch.get(value.number)
            if known is None:
                assert loops.inner is not None
                along = loops.inner.group_axes[-1]
                place = Place("scratch", value, 0, loops.inner.extent)
                unit = [int(axis == along) for axis in range(len(self.group.extents))]
                known = self._scratch[value.number] = loops._operand(place, value.dtype, unit, "scratch")
                cell = self._value(value, home)
                self._emit(home, True, "store", (cell,), value.dtype, (known,))
            operand = known
        return self._emit(stage, True, "load", (), value.dtype, (operand,))

    def _is_cheap(self, value: Value, depth: int) -> bool:
        """Whether computing it again costs less than loading it."""
        if value.prim == "index":
            return True
        if value.prim != "map" or value.attrs in TRANSCENDENTAL or value.attrs in ("div", "sqrt") or depth == 0:
            return False
        return all([self._is_input_cheap(x, depth) for x in value.inputs])

    def _is_input_cheap(self, x: Value, depth: int) -> bool:
        root = use_of(x).root
        own = self.loops.own.get(root.number)
        return own is None or not self.loops.is_element_result(own) or self._is_cheap(own, depth - 1)

    def _compute(self, value: Value, stage: int, on_elements: bool) -> Any:
        loops = self.loops
        if value.prim == "index":
            axis = self.group.frames[value.number][value.attrs]
            if axis < 0:
                return self._emit(stage, False, "constant", (), INT, np.int64(0))
            for i, row in enumerate(loops.rows):
                if axis in row.group_axes:
                    return self._emit(stage, False, "index", (), INT, i)
            return self._emit(stage, True, "index", (), INT, -1)
        args = [self._input(value, x, stage) for x in pointwise_inputs(value)]
        if value.prim == "gather":
            gathered = value.attrs
            use = use_of(value.inputs[0])
            steps = loops._along(self.group.frames[value.number], gathered.affine.strides)
            operand = loops._operand(Place("value", use.root, gathered.affine.offset), value.dtype, steps)
            attr = (operand, loops._status(), gathered.steps, gathered.extents)
            return self._emit(stage, on_elements, "gather", args, value.dtype, attr)
        if value.attrs == "copy":
            return args[0]
        return self._emit(stage, on_elements, value.attrs, args, value.dtype)


def _is_number(value: Value) -> bool:
    return value.prim == "constant" and value.ndim == 0
