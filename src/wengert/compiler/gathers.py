"""Reading few elements of what is computed: compute those alone. And writing one element a row: a comparison.

``log_probabilities[rows, labels]`` needs one element of each row of an array that nobody else may want. Its gradient,
zeros with a number written to each row, is a function of the column.
"""

from __future__ import annotations

import numpy as np

from wengert.compiler.build import Builder, dense_strides
from wengert.compiler.graph import Affine, Gathered, Graph, Value
from wengert.compiler.rebuild import rebuilt

__all__ = ["gathers_of_parts"]

_SMALLER = 4
"""How many times smaller than the array the part that is read has to be."""


def gathers_of_parts(graph: Graph) -> Graph:
    """The graph with reads at few positions moved to where data comes from, and scattered rows as comparisons."""

    def rewrite(b: Builder, value: Value, inputs: tuple[Value, ...]) -> Value | None:
        if value.prim == "gather":
            return _moved(b, value.attrs, inputs[0], inputs[1:], value)
        if value.prim == "scatter":
            return _compared(b, value, inputs)
        return None

    return rebuilt(graph, rewrite)


def _moved(
    b: Builder, gathered: Gathered, base: Value, positions: tuple[Value, ...], value: Value, depth: int = 8
) -> Value | None:
    """The elements of ``base``, a map, from the same elements of what it is a map of."""
    if base.prim != "map" or base.attrs == "copy" or depth == 0 or base.size < _SMALLER * value.size:
        return None
    if 0 in gathered.steps:  # the position would be dropped, and with it the check of its bounds
        return None
    parts = []
    for x in base.inputs:
        part = _part(b, gathered, base, x, positions, value, depth - 1)
        if part is None:
            return None
        parts.append(part)
    if base.attrs == "cast":
        return b.cast(parts[0], base.dtype)
    return b.map(base.attrs, *parts, shape=value.shape)


def _part(
    b: Builder, gathered: Gathered, base: Value, x: Value, positions: tuple[Value, ...], value: Value, depth: int
) -> Value | None:
    """The elements of the input ``x`` of ``base`` that belong to those of ``base`` that are gathered."""
    if x.size == 1:
        return b.reshape(x, ())
    root, affine = (x.inputs[0], x.attrs) if x.prim == "view" else (x, Affine(0, dense_strides(x.shape)))
    missing = base.ndim - x.ndim
    axis_of = {s: i for i, s in enumerate(dense_strides(base.shape)) if base.shape[i] != 1}
    if len(axis_of) != len([n for n in base.shape if n != 1]):
        return None

    def step(stride: int) -> int | None:
        """The step in ``x`` for one of ``stride`` in ``base``, if that goes along an axis."""
        if stride == 0:
            return 0
        axis = axis_of.get(stride)
        if axis is None:
            return None
        if axis < missing or x.shape[axis - missing] == 1:
            return 0
        own: int = affine.strides[axis - missing]
        return own

    steps = [step(s) for s in gathered.steps]
    strides = [step(s) for s in gathered.affine.strides]
    if gathered.affine.offset or any([s is None for s in (*steps, *strides)]):
        return None
    kept = [i for i, s in enumerate(steps) if s]
    places = Affine(affine.offset, tuple([s or 0 for s in strides]))
    if not kept:
        return b.view(root, value.shape, places)
    new = Gathered(places, tuple([steps[i] or 0 for i in kept]), tuple([gathered.extents[i] for i in kept]))
    chosen = tuple([positions[i] for i in kept])
    rows = _along_rows(b, root, new, chosen, value)
    if rows is not None:
        return rows
    deeper = _moved(b, new, root, chosen, value, depth) if affine == Affine(0, dense_strides(root.shape)) else None
    return deeper or b.unique("gather", (root, *chosen), new, value.shape, root.dtype)


def _along_rows(
    b: Builder, root: Value, gathered: Gathered, positions: tuple[Value, ...], value: Value
) -> Value | None:
    """The elements as a view, if the only positions are those of a range from 0."""
    if len(positions) != 1 or not _is_range(positions[0], gathered.extents[0]):
        return None
    axes = [i for i, n in enumerate(positions[0].shape) if n != 1]
    if len(axes) != 1:
        return None
    axis = axes[0] + value.ndim - positions[0].ndim
    strides = list(gathered.affine.strides)
    strides[axis] += gathered.steps[0]
    return b.view(root, value.shape, Affine(gathered.affine.offset, tuple(strides)))


def _is_range(x: Value, n: int) -> bool:
    """Whether ``x`` is a constant 0, 1, …, n − 1."""
    base = x.inputs[0] if x.prim == "view" else x
    if base.prim != "constant" or x.size != n or base.size != n or x.dtype != np.int64 or base.ndim == 0:
        return False
    if x.prim == "view" and not all([s == (n != 1) for n, s in zip(x.shape, x.attrs.strides, strict=True)]):
        return False
    return bool((base.attrs.reshape(-1) == np.arange(n)).all())


def _compared(b: Builder, value: Value, inputs: tuple[Value, ...]) -> Value | None:
    """Zeros with one number written to each row, as a function of the position."""
    gathered, _ = value.attrs
    target, new, *positions = inputs
    is_zero = target.prim == "view" and target.inputs[0].prim == "constant" and not target.inputs[0].attrs.any()
    if not is_zero or value.ndim != 2 or len(positions) != 2 or new.ndim != 1 or gathered.affine.offset:
        return None
    rows, columns = value.shape
    if gathered.steps != (columns, 1) or gathered.affine.strides != (0,) or not _is_range(positions[0], rows):
        return None
    if np.signbit(target.inputs[0].attrs):
        return None
    column = positions[1]
    if columns == 1:
        return None
    numbers = b.array(np.arange(columns))  # read at these positions for the check of their bounds, and from the end
    places = Gathered(Affine(0, (0,) * column.ndim), (1,), (columns,))
    column = b.unique("gather", (numbers, b.dense(column)), places, column.shape, numbers.dtype)
    here = b.map("eq", b.index(value.shape, 1), b.reshape(b.broadcast(column, (rows,)), (rows, 1)))
    return b.map("select", here, b.reshape(new, (rows, 1)), b.number(0, value.dtype))
