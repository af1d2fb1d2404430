"""Fusion: which values are computed together, in one walk over the data.

A *group* is what becomes one kernel: values that are computed at the places of one iteration space. Groups are formed
from the results backwards. A value joins the first group that uses it if it can be computed there, at each place when
it is needed; otherwise it gets a group of its own, before that one. What a group computes and another one uses goes
through memory.

The *frame* of a value in a group says which of the group's axes each of its own axes runs along. Where a value is
reduced and the result used in the same group, the axes of the reduction are the group's *inner* axes: the group then
works row by row, in several stages.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from wengert._types import Shape
from wengert.compiler.build import dense_strides
from wengert.compiler.functions import TRANSCENDENTAL
from wengert.compiler.graph import Affine, Graph, Value, live_values

__all__ = ["Group", "Use", "fuse", "use_of"]

Frame = tuple[int, ...]
"""For each axis of a value, the group's axis; -1 for an axis of length 1."""

SINKS = frozenset({"scatter", "update", "alarm"})
FUSIBLE = frozenset({"map", "index", "reduce", "gather"}) | SINKS
_CLOSE = 1e-9
"""Keys that are closer than this are given anew."""
_LARGEST = 96
"""Values in a group, at most: compile time grows faster than kernels get better."""


class Use:
    """How a value is used: which elements of ``root``.

    ``axes`` says, if these are all of its elements, which axis of the root each axis of the use runs along; -1 is for
    one that repeats it. It is ``None`` otherwise.
    """

    __slots__ = ("affine", "axes", "root", "shape")

    def __init__(self, x: Value) -> None:
        self.shape: Shape = x.shape
        if x.prim == "view":
            self.root: Value = x.inputs[0]
            self.affine: Affine = x.attrs
        else:
            self.root = x
            strides = zip(x.shape, dense_strides(x.shape), strict=True)
            self.affine = Affine(0, tuple([0 if n == 1 else s for n, s in strides]))
        self.axes: tuple[int, ...] | None = _axes_of(self.root.shape, self.shape, self.affine)


@lru_cache(8192)
def _axes_of(root: Shape, shape: Shape, affine: Affine) -> tuple[int, ...] | None:
    if affine.offset:
        return None
    dense = {(s, n): i for i, (s, n) in enumerate(zip(dense_strides(root), root, strict=True)) if n != 1}
    axes = []
    for n, s in zip(shape, affine.strides, strict=True):
        if n == 1 or s == 0:
            axes.append(-1)
        elif (axis := dense.pop((s, n), None)) is not None:
            axes.append(axis)
        else:
            return None
    return None if dense else tuple(axes)


def use_of(x: Value) -> Use:
    """The use of ``x`` as an input."""
    if x.use is None:
        x.use = Use(x)
    use: Use = x.use
    return use


class Group:
    """Values computed in one kernel; or a single one that no kernel computes.

    ``extents`` are the lengths of the axes, ``inner`` the axes of reductions whose results are used within.
    """

    __slots__ = ("extents", "frames", "inner", "is_kernel", "key", "nodes", "reads")

    def __init__(self, first: Value, key: float) -> None:
        self.key = key
        self.nodes: list[Value] = [first]
        self.is_kernel = first.prim in FUSIBLE
        self.extents: list[int] = []
        self.frames: dict[int, Frame] = {}
        self.inner: frozenset[int] | None = None
        self.reads: set[int] = set()
        if self.is_kernel:
            self.frames[first.number] = self._new_axes(domain_of(first))

    def _new_axes(self, shape: Shape) -> Frame:
        frame = []
        for n in shape:
            frame.append(-1 if n == 1 else len(self.extents))
            if n != 1:
                self.extents.append(n)
        return tuple(frame)

    def add(self, value: Value, frame: Frame) -> None:
        """Compute ``value`` here, too."""
        self.nodes.append(value)
        self.frames[value.number] = frame

    def axes_in(self, number: int) -> frozenset[int]:
        """The axes along which a value of the group varies, or, of a reduction, what is reduced."""
        return frozenset([a for a in self.frames[number] if a >= 0])

    def result_frame(self, value: Value) -> Frame:
        """The frame of a value's result."""
        frame = self.frames[value.number]
        if value.prim != "reduce":
            return frame
        return tuple([a for i, a in enumerate(frame) if i not in value.attrs[1]])

    def reduced(self, value: Value) -> frozenset[int]:
        """The axes along which a reduction of the group reduces."""
        frame = self.frames[value.number]
        return frozenset([frame[i] for i in value.attrs[1] if frame[i] >= 0])

    def takes_inner(self, inner: frozenset[int]) -> bool:
        """Let ``inner`` be the group's inner axes, if all reductions in it can live with that."""
        if self.inner is not None:
            return self.inner == inner
        ordered = sorted(inner)
        if not ordered or ordered[-1] - ordered[0] + 1 != len(ordered):
            return False
        for node in self.nodes:
            if node.prim == "reduce" and self.reduced(node) & inner not in (frozenset(), inner):
                return False
            if self.axes_in(node.number) & inner not in (frozenset(), inner):
                return False
        self.inner = inner
        return True

    def use_frame(self, user: Value, use: Use) -> Frame | None:
        """The frame that ``use`` by a value of the group gives to the root of the use."""
        if use.axes is None:
            return None
        frame = self.frames[user.number]
        missing = len(frame) - len(use.shape)
        made = [-1] * use.root.ndim
        for i, axis in enumerate(use.axes):
            if axis >= 0:
                made[axis] = frame[i + missing]
        return tuple(made)


def domain_of(value: Value) -> Shape:
    """The shape of the places where a value is computed: of a reduction, those of what is reduced."""
    if value.prim == "reduce":
        return value.inputs[0].shape
    if value.prim in ("scatter", "update"):
        return value.inputs[1].shape
    return value.shape


def is_pointwise(value: Value, k: int) -> bool:
    """Whether input ``k`` is needed element by element, at the places where ``value`` is computed."""
    return value.prim in FUSIBLE and (k > 0 or value.prim not in ("gather", "scatter", "update"))


def pointwise_inputs(value: Value) -> Sequence[Value]:
    """The inputs of a value of a kernel that are needed at the places where it is computed."""
    return [x for k, x in enumerate(value.inputs) if is_pointwise(value, k)]


def fuse(graph: Graph) -> list[Group]:
    """The groups of what the outputs need, in an order in which they can be run."""
    return _Fusion(graph).run()


class _Fusion:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.groups: list[Group] = []
        self.where: dict[int, Group] = {}
        self.uses: dict[int, list[tuple[Value, Use, bool]]] = {}
        self.by_space: dict[tuple[int, ...], list[Group]] = {}
        self.front = 0.0

    def run(self) -> list[Group]:
        live = live_values(self.graph)
        for value in self.graph.values:
            if value.number in live and value.prim != "view":
                for k, x in enumerate(value.inputs):
                    use = use_of(x)
                    self.uses.setdefault(use.root.number, []).append((value, use, is_pointwise(value, k)))
        for value in reversed(self.graph.values):
            if value.number in live and value.prim not in ("view", "input", "constant", "item"):
                self._place(value)
        self.groups.sort(key=lambda g: g.key)
        self._absorb()
        for group in self.groups:
            group.nodes.sort(key=lambda v: v.number)
        return self.groups

    def _absorb(self) -> None:
        """Let groups be computed along with the last one that they read from, where they walk over the same places."""
        position = {id(group): i for i, group in enumerate(self.groups)}
        kept = []
        for group in self.groups:
            found = [s for n in group.reads if (s := self.where.get(n)) is not None and s is not group]
            sources = {id(s): s for s in found}
            last = max(sources.values(), key=lambda s: position[id(s)], default=None)
            if last is not None and group.is_kernel and last.is_kernel and _merged(last, group):
                for value in group.nodes:
                    self.where[value.number] = last
                last.reads |= group.reads
            else:
                kept.append(group)
        self.groups = kept

    def _place(self, value: Value) -> None:
        items = [user for user, _, _ in self.uses.get(value.number, [])] if value.prim == "loop" else []
        uses = [use for v in items or [value] for use in self.uses.get(v.number, [])]
        first = min([self.where[user.number] for user, _, _ in uses], key=lambda g: g.key, default=None)
        if value.prim in FUSIBLE:
            if first is not None and first.is_kernel and self._joins(value, first, uses):
                self._enter(value, first)
                return
            beside = self._beside(value, None if first is None else first.key)
            if beside is not None:
                frame = tuple(_in_order(domain_of(value)))
                beside.add(value, frame)
                self._enter(value, beside)
                return
        if first is None:
            self.front += 1.0
            key = self.front
        else:
            key = self._key_before(first)
        group = Group(value, key)
        self.groups.append(group)
        self._enter(value, group)
        for item in items:
            group.nodes.append(item)
            self._enter(item, group)
        if group.is_kernel:
            self.by_space.setdefault(tuple(group.extents), []).append(group)

    def _key_before(self, group: Group) -> float:
        below = max([g.key for g in self.groups if g.key < group.key], default=group.key - 2.0)
        if group.key - below < _CLOSE:
            for i, each in enumerate(sorted(self.groups, key=lambda g: g.key)):
                each.key = float(i)
            self.front = float(len(self.groups))
            below = group.key - 1.0
        return (below + group.key) / 2

    def _enter(self, value: Value, group: Group) -> None:
        self.where[value.number] = group
        group.reads.update([use_of(x).root.number for x in value.inputs])

    def _joins(self, value: Value, group: Group, uses: Sequence[tuple[Value, Use, bool]]) -> bool:
        """Let ``value`` be computed in ``group``, the first that uses it, if that can be."""
        if value.prim in SINKS or len(group.nodes) >= _LARGEST:
            return False
        frame: Frame | None = None
        for user, use, pointwise in uses:
            if self.where[user.number] is not group:
                continue
            wanted = group.use_frame(user, use) if pointwise else None
            if wanted is None or (frame is not None and frame != wanted):
                return False
            frame = wanted
        if frame is None:
            return False
        axes = frozenset([a for a in frame if a >= 0])
        if len(axes) < len([a for a in frame if a >= 0]):
            return False
        if value.prim == "reduce":
            return self._joins_as_reduction(value, group, frame, axes)
        every = frozenset(range(len(group.extents)))
        if axes == every or (group.inner is not None and axes == every - group.inner):
            group.add(value, frame)
            return True
        missing = every - axes
        if not axes and _is_cheap(value):
            group.add(value, frame)
            return True
        if group.inner is None and max(missing) == len(group.extents) - 1 and group.takes_inner(missing):
            group.add(value, frame)
            return True
        return False

    def _joins_as_reduction(self, value: Value, group: Group, frame: Frame, axes: frozenset[int]) -> bool:
        """``frame`` is that of the result."""
        x = value.inputs[0]
        reduced = [i for i in value.attrs[1] if x.shape[i] != 1]
        if reduced and reduced[-1] - reduced[0] + 1 != len(reduced):
            return False
        lengths = [x.shape[i] for i in reduced]
        every = frozenset(range(len(group.extents)))
        inner = group.inner if group.inner is not None else every - axes
        if axes != every - inner:
            return False
        if not inner and group.inner is None:
            inner = frozenset(range(len(group.extents), len(group.extents) + len(lengths)))
            if not group.takes_inner(inner):
                return False
            group.extents += lengths
        elif [group.extents[a] for a in sorted(inner)] != lengths or not group.takes_inner(inner):
            return False
        along = iter(sorted(inner))
        rest = iter(frame)
        full = [(next(along) if i in reduced else -1) if i in value.attrs[1] else next(rest) for i in range(x.ndim)]
        group.add(value, tuple(full))
        return True

    def _beside(self, value: Value, before: float | None) -> Group | None:
        """An earlier group over the same space that reads the same data, to be computed along with."""
        shape = domain_of(value)
        space = tuple([n for n in shape if n != 1])
        roots = {use_of(x).root.number for x in pointwise_inputs(value)}
        for group in reversed(self.by_space.get(space, [])):
            if before is not None and group.key >= before:
                continue
            if len(group.nodes) >= _LARGEST or tuple(group.extents) != space:
                continue
            if value.prim == "reduce" and group.inner is not None:
                frame = _in_order(shape)
                reduced = frozenset([frame[i] for i in value.attrs[1] if frame[i] >= 0])
                if reduced & group.inner not in (frozenset(), group.inner):
                    continue
            own = {n.number for n in group.nodes}
            if roots & (group.reads | own):
                return group
        return None


def _merged(into: Group, group: Group) -> bool:
    """Let ``into`` compute what ``group`` computes, if its values can be used there as they are made."""
    if len(into.nodes) + len(group.nodes) > _LARGEST:
        return False
    axes: dict[int, int] = {}
    own = {v.number: v for v in into.nodes}
    for user in group.nodes:
        for k, x in enumerate(user.inputs):
            use = use_of(x)
            value = own.get(use.root.number)
            if value is None:
                continue
            if value.prim in SINKS or not is_pointwise(user, k):
                return False
            wanted = group.use_frame(user, use)
            if wanted is None:
                return False
            for a, b in zip(wanted, into.result_frame(value), strict=True):
                if (a < 0) is not (b < 0) or (a >= 0 and axes.setdefault(a, b) != b):
                    return False
            if value.prim == "reduce" and (into.inner is None or into.reduced(value) != into.inner):
                return False
    left = [a for a in range(len(group.extents)) if a not in axes]
    free = [b for b in range(len(into.extents)) if b not in axes.values()]
    if len(left) != len(free) or len(set(axes.values())) != len(axes):
        return False
    axes.update(zip(left, free, strict=True))
    if any([group.extents[a] != into.extents[b] for a, b in axes.items()]):
        return False
    inner = None if group.inner is None else frozenset([axes[a] for a in group.inner])
    if inner is not None and into.inner is not None and inner != into.inner:
        return False
    wanted_inner = inner if inner is not None else into.inner
    if wanted_inner is not None:
        for value in group.nodes:
            varies = frozenset([axes[a] for a in group.axes_in(value.number)])
            if varies & wanted_inner not in (frozenset(), wanted_inner):
                return False
            if value.prim == "reduce":
                reduced = frozenset([axes[a] for a in group.reduced(value)])
                if reduced & wanted_inner not in (frozenset(), wanted_inner):
                    return False
    if inner is not None and not into.takes_inner(inner):
        return False
    for value in group.nodes:
        into.add(value, tuple([a if a < 0 else axes[a] for a in group.frames[value.number]]))
    return True


def _in_order(shape: Shape) -> list[int]:
    made = []
    axis = 0
    for n in shape:
        made.append(-1 if n == 1 else axis)
        axis += n != 1
    return made


def _is_cheap(value: Value) -> bool:
    """Whether computing the value again and again costs next to nothing."""
    return value.prim == "index" or (value.prim == "map" and value.attrs not in TRANSCENDENTAL)
