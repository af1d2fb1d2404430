"""Elements that were not selected: their cotangents are zero and stay so, whatever they are multiplied by.

``np.where(x > 0, np.sqrt(x), x)`` at ``x = -1`` has derivative 1, but the rule of ``sqrt`` multiplies the zero that
``where`` sends it by NaN. Not every zero may absorb so: at ``x = 0``, ``np.sqrt(x) ** 2`` sends ``sqrt`` a zero that
came from arithmetic, and there NaN is the honest answer (the derivative is 1). What decides is whether *any* path
leads from the result to the element. So each cotangent travels with its *reach*: ``None`` if every element can be
reached, else a boolean array. Reach follows from the rules themselves: a rule applied to random positive numbers where
there is reach and zeros elsewhere gives nonzeros exactly where there is reach. Operations that select are given their
own saved values, as these decide what is selected; all others random ones, so no value can be zero by accident.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from wengert._types import PLAIN, Array, Shape
from wengert.core import modes
from wengert.core.aliasing import holds_everywhere, innermost
from wengert.core.cotangents import Scatter, finish, fit
from wengert.core.dispatch import Box
from wengert.core.op import Like
from wengert.core.tape import Node, ancestry

__all__ = [
    "Reach",
    "bare_frame",
    "is_strict",
    "masked",
    "masked_sweep",
    "nonzero",
    "random_frame",
    "reach_of",
    "strict_cotangents",
    "weights",
]

Reach = np.ndarray[Any, Any] | None

_strict: ContextVar[bool] = ContextVar("strict_cotangents", default=False)
is_strict = _strict.get


@contextmanager
def strict_cotangents() -> Iterator[None]:
    """Within it, derivatives follow IEEE arithmetic: an unselected element's ``0 * inf`` is NaN, as in other libraries.

    Use it to find out where a masked-out branch is being evaluated outside its domain.

    >>> import numpy as np, wengert as wg
    >>> f = wg.grad(lambda x: np.where(x > 0, 1 / x, x))
    >>> with np.errstate(all="ignore"), wg.strict_cotangents():
    ...     f(0.0)
    nan
    """
    token = _strict.set(True)
    try:
        yield
    finally:
        _strict.reset(token)


def masked_sweep(
    root: Node, order: list[Node], g: Array, *, every: bool, seeded: bool, retain: bool
) -> dict[Node, Array]:
    """The sweep of ``wengert.core.sweep``, with reach."""
    totals = _masked_totals(order, {root: (g, reach_of(g) if seeded else None)}, every)
    leaves = {node: _own(finish(g, node.dtype)) for node, (g, _) in totals.items()}
    for node, g in leaves.items():
        if every:
            node.grad = g
    if not retain:
        for node in (*order, *leaves):
            node.release()
    return leaves


def _masked_totals(
    order: list[Node], totals: dict[Node, tuple[Array, Any]], every: bool = False
) -> dict[Node, tuple[Array, Any]]:
    """What ``totals``, cotangents with their reach, come to at the leaves when carried back over ``order``."""
    with np.errstate(all="ignore"):
        for node in reversed(order):
            if node not in totals:
                continue
            g, reach = totals.pop(node)
            g = finish(g, node.dtype)
            if every:
                node.grad = _own(g)
            for parent, r, r_reach in _pulled(node, g, _dense_reach(reach)):
                totals[parent] = _joined(*totals[parent], r, r_reach, parent) if parent in totals else (r, r_reach)
    return totals


def _opened(node: Node, g: Array, reach: Reach) -> Iterator[tuple[Node, Array, Any]]:
    """``_pulled`` for a program of operations: its own are pulled back one by one."""
    leaves, root = node.op.opened(node)  # type: ignore[union-attr, misc]  # there is one
    if root is None:
        return
    totals = _masked_totals(ancestry(root)[0], {root: (g, reach)})
    for parent, own in zip(node.parents, leaves, strict=True):
        if parent is not None and own in totals:
            yield parent, *totals[own]


def _pulled(node: Node, g: Array, reach: Reach) -> Iterator[tuple[Node, Array, Any]]:
    """The parents of ``node``, each with its contribution and how far that reaches."""
    if node.op.opened is not None:  # type: ignore[union-attr]  # leaves are not pulled back
        yield from _opened(node, g, reach)
        return
    frame = node if reach is None else _without_unreached(node, reach)
    for parent, r, r_reach in zip(node.parents, _pull(frame, g), _pull_reach(node, reach), strict=True):
        if parent is None:
            continue
        if isinstance(r, Scatter) and isinstance(r_reach, Scatter):
            yield parent, r, r_reach
            continue
        if r_reach is not None:
            r_reach = nonzero(r_reach)
            if r_reach.shape == r.shape:
                r = masked(r, r_reach)
            r_reach = fit(r_reach.astype(float), parent.shape) != 0
        if r.shape != parent.shape:
            r = fit(r, parent.shape)
        yield parent, r if r_reach is None else masked(r, r_reach), r_reach


def _joined(total: Array, reach: Any, r: Array, r_reach: Any, node: Node) -> tuple[Array, Any]:
    """Two contributions to the cotangent of ``node``, added up; partial reads of one array stay partial."""
    if isinstance(total, Scatter) and isinstance(r, Scatter):
        return total.absorb(r, node, set()), reach.absorb(r_reach, node, set())
    total = finish(total, node.dtype) + finish(r, node.dtype)
    reach, r_reach = _dense_reach(reach), _dense_reach(r_reach)
    return total, None if reach is None or r_reach is None else reach | r_reach


def _dense_reach(reach: Any) -> Reach:
    if reach is None:
        return None
    return _partial(nonzero(reach))


def _partial(reach: np.ndarray[Any, Any]) -> Reach:
    """``reach``; ``None`` if that is everywhere."""
    return None if holds_everywhere(reach, otherwise=False) else reach


def _own(g: Array) -> Array:
    return g._frozen() if isinstance(g, Box) else g.copy()


def _pull(node: Node, g: Array) -> Sequence[Array]:
    """What the rules of ``node`` make of ``g``, an entry for each parent."""
    op = node.op
    assert op is not None
    if op.pull_all is not None:
        together: Sequence[Array] = op.pull_all(g, node)
        return together
    pulls = op.pulls if node.dtype.kind != "c" else op.conjugate_pulls
    return [None if p is None or pull is None else pull(g, node) for p, pull in zip(node.parents, pulls, strict=True)]


def _pull_reach(node: Node, reach: Reach) -> list[Any]:
    """The reach of each parent's contribution, before broadcasting is undone.

    An array that is nonzero where there is reach, or ``None`` if that is everywhere.
    """
    op = node.op
    assert op is not None
    if reach is None and not op.selects:
        return [None] * len(node.parents)
    if op.kind == "elementwise" and not op.selects:
        return [reach] * len(node.parents)
    if op.joint is not None and op.kind != "linear":
        # may run a person's own code, which need not stand being called with random numbers
        reached: Any = True if reach is None else np.any(reach)
        if type(reached) in PLAIN and reached:
            return [None] * len(node.parents)
        return [None if p is None else np.broadcast_to(reached, p.shape) for p in node.parents]
    frame = bare_frame(node) if op.selects or op.kind == "linear" else random_frame(node)
    return list(_pull(frame, weights(node.shape, reach, node.dtype)))


def reach_of(g: Array) -> Reach:
    """The reach of a cotangent or tangent whose zeros are a person's choice; of a traced one it may not be known."""
    if modes.tracing and (trace := modes.trace()) is not None and not trace.masked:
        return None
    return _partial(nonzero(g))


def masked(r: Array, reach: np.ndarray[Any, Any]) -> Array:
    """``r`` where there is reach, zero elsewhere."""
    return r if holds_everywhere(reach, otherwise=False) else np.where(reach, r, np.zeros((), r.dtype))


def _without_unreached(node: Node, reach: np.ndarray[Any, Any]) -> Node:
    """``node``, of a product with sums in it, without factors that meet unreached cotangents alone: 0 times inf."""
    op = node.op
    assert op is not None
    if op.kind != "multilinear":
        return node
    xs = list(node.xs)
    doubtful = [
        j for j, x in enumerate(xs) if x is not None and not holds_everywhere(np.isfinite(_bare(x)), otherwise=False)
    ]
    if not doubtful:
        return node
    frame = random_frame(node)
    frame.parents = frame.xs  # so that constants, too, are told how far the cotangent reaches them
    pulled = _pull(frame, weights(node.shape, reach, node.dtype))
    for j in doubtful:
        xs[j] = masked(xs[j], nonzero(fit(pulled[j], np.shape(xs[j]))))
    return _frame(node, xs, node.y)


def weights(shape: Shape, reach: Reach, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Random positive numbers where there is reach, zeros elsewhere. Complex ones have positive parts."""
    numbers = _positive(np.random.default_rng(0), shape, dtype)
    return numbers if reach is None else np.where(reach, numbers, 0.0)


def _positive(rng: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    numbers = rng.uniform(0.5, 1.5, shape)
    return numbers + 1j * rng.uniform(0.5, 1.5, shape) if dtype.kind == "c" else numbers


def random_frame(node: Node) -> Node:
    """``node`` with random positive numbers for its saved values."""
    rng = np.random.default_rng(1)

    def random(x: Array, like: Any) -> Any:
        model = like if x is None else _bare(x)
        return x if x is not None and model.dtype.kind not in "fc" else _positive(rng, model.shape, model.dtype)

    xs = [None if x is None and p is None else random(x, p) for x, p in zip(node.xs, node.parents, strict=True)]
    return _frame(node, xs, _positive(rng, node.shape, node.dtype))


def bare_frame(node: Node) -> Node:
    """``node`` with plain arrays for its saved values."""
    xs = [x if x is None or isinstance(x, Like) else _bare(x) for x in node.xs]
    return _frame(node, xs, None if node.y is None else _bare(node.y))


def _frame(node: Node, xs: Sequence[Any], y: Array) -> Node:
    return Node(node.op, node.parents, tuple(xs), y, node.params, node.shape, node.dtype)


def nonzero(r: Array) -> np.ndarray[Any, Any]:
    """Where ``r`` is not zero: booleans without a derivative."""
    if isinstance(r, Scatter):
        r = r.dense()
    chosen: np.ndarray[Any, Any] = _bare(_bare(r) != 0)
    return chosen


def _bare(x: Array) -> Any:
    """What is inside ``x``, however nested, without a derivative: a plain array, if that can be."""
    x = innermost(x)
    return x if isinstance(x, Box) else np.asarray(x)
