"""The sweep: cotangents carried back along the tape, from a result to everything it was computed from."""

from __future__ import annotations

from collections.abc import Sequence
from sys import getrefcount

import numpy as np
from numpy import ndarray

from wengert._types import Array
from wengert.core import modes
from wengert.core.aliasing import is_differentiated
from wengert.core.cotangents import Scatter, accumulate, finish, fit, has_nan
from wengert.core.dispatch import Box, symbol_in
from wengert.core.fingerprints import verify
from wengert.core.masking import is_strict, masked_sweep
from wengert.core.op import Op
from wengert.core.tape import Node, ancestry

__all__ = ["sweep"]


def sweep(
    root: Node,
    g: Array,
    *,
    retain: bool = False,
    every: bool = False,
    seeded: bool = False,
    nested: bool = False,
) -> dict[Node, Array]:
    """Carry the cotangent ``g`` of ``root`` back to the leaves; returns the leaves' cotangents.

    Saved values are released as the sweep passes, unless ``retain``. With ``every``, each node's cotangent is left in
    its ``grad``, and all nodes are spent afterwards. ``seeded`` says that zeros in ``g`` were chosen by the caller, so
    they select elements; ``nested``, that the values on the tape are boxed, so the cotangents may be differentiated
    again.
    What is returned or left shares memory with nothing else.

    Where operations select among elements, a cotangent that is zero because its element was not selected must stay zero
    (see ``wengert.core.masking``). Plain arithmetic gets that right unless it meets ``0 * inf`` or ``0 * nan``, which
    leave a NaN behind: so only then, and in derivatives of higher order, is the slower masked sweep run. While a
    function is traced nobody can tell; what was compiled then looks for a NaN each time it runs, and if there is one,
    the function is traced again with masks.
    """
    if modes.profiling and (profile := modes.profile()) is not None and profile.is_idle:
        with profile.sweeping():
            return sweep(root, g, retain=retain, every=every, seeded=seeded, nested=nested)
    order, selective = ancestry(root)
    if modes.debugged:
        verify(order)
    if modes.profiling and (profile := modes.profile()) is not None:
        order = profile.followed(order)
    selective = (selective or seeded) and not is_strict()
    if modes.tracing and (trace := modes.trace()) is not None:
        with trace.followed(order) as followed:
            if selective and trace.masked:
                return masked_sweep(root, followed, g, every=every, seeded=seeded, retain=retain)
            leaves = _plain_sweep(root, followed, g, retain, every)
        assert leaves is not None  # as nobody has looked for a NaN
        if selective:
            trace.watch([finish(r, node.dtype) for node, r in leaves.items()])
        return leaves
    if not selective:
        return _plain_sweep(root, order, g, retain, every) or {}
    if nested or is_differentiated(g):
        return masked_sweep(root, order, g, every=every, seeded=seeded, retain=retain)
    with np.errstate(all="ignore"):
        leaves = _plain_sweep(root, order.copy(), g, True, every, watch=True)
    if leaves is None or (every and any([n.grad is not None and has_nan(n.grad) for n in order])):
        return masked_sweep(root, order, g, every=every, seeded=seeded, retain=retain)
    if not retain:
        for node in (*order, *leaves) if every else (root,):
            node.release()
    return leaves


def _plain_sweep(
    root: Node, order: list[Node], g: Array, retain: bool, every: bool, watch: bool = False
) -> dict[Node, Array] | None:
    """The sweep over ``order`` (emptied on the way) by IEEE arithmetic; ``None`` if ``watch`` and there is a NaN."""
    totals: dict[Node, Array] = {root: g}
    shared = {root}  # nodes whose total may share memory with another array, so isn't to be written to
    passing: set[Node] = set()  # updated since by their tensors, so nobody asks for their gradients
    while order:
        node = order.pop()
        if node in totals:
            g = totals.pop(node)
            if g.dtype is not node.dtype:
                g = finish(g, node.dtype)
            op: Op = node.op  # type: ignore[assignment]  # leaves are not in the order
            if op.is_local:  # then a cost that goes with the few elements, where that can be
                if op.reads and type(total := totals.get(node.parents[0])) is Scatter:  # type: ignore[arg-type]
                    if every:
                        node.grad = g.copy() if node in shared and type(g) is ndarray else g
                    total.hold(node.params["index"], g)
                    if every and not retain:
                        node.release()
                    continue
                if op.pull_in_place is not None and type(g) is ndarray and not (modes.special and _is_symbolic(node)):
                    _pull_in_place(node, g, totals, shared, passing, every)
                    if not retain and (every or node is root):
                        node.release()
                    continue
            if every:
                node.grad = g.copy() if node in shared and type(g) is ndarray else g
            if op.pull_all is not None:
                _add_together(op.pull_all(g, node), node.parents, totals, shared)
            else:
                pulls = op.pulls if node.dtype.kind != "c" else op.conjugate_pulls
                i = 0  # counting is quicker than zip or enumerate
                for parent in node.parents:
                    if parent is not None:
                        r = pulls[i](g, node)  # type: ignore[misc]  # what has a parent has a rule
                        if r.shape != parent.shape:
                            r = fit(r, parent.shape)
                        if parent in totals:
                            totals[parent] = accumulate(totals[parent], r, parent, shared)
                        else:
                            if r is g or r.base is not None:
                                shared.add(parent)
                            totals[parent] = r
                    i += 1  # noqa: SIM113 - see above
        if not retain and (every or node is root):  # the others go with the root, one by one
            node.release()
    found = False
    for node, g in totals.items():
        parts = g
        if g.dtype is not node.dtype:
            g = totals[node] = finish(g, node.dtype)
        if watch:
            found = found or (parts.nan if type(parts) is Scatter else has_nan(g))
        if node in shared:
            g = totals[node] = g._frozen() if isinstance(g, Box) else g.copy()
        if every:
            node.grad = g
            node.spent = not retain
    return None if found else totals


def _is_symbolic(node: Node) -> bool:
    """Whether ``node`` is an update at positions that are not known."""
    return symbol_in(node.params["index"]) is not None


def _pull_in_place(
    node: Node, g: Array, totals: dict[Node, Array], shared: set[Node], passing: set[Node], every: bool
) -> None:
    """Pull an update back: the cotangent of what was updated is ``g`` itself, but for the part that was written."""
    if node in shared or (every and node not in passing):
        node.grad, g = (g if every else None), g.copy()
    mine, taken = node.op.pull_in_place(g, node)  # type: ignore[union-attr, misc]  # there is one
    _hand_on(node, mine, taken, totals, shared, passing)


def _hand_on(
    node: Node, mine: Array, taken: Array, totals: dict[Node, Array], shared: set[Node], passing: set[Node]
) -> None:
    """Hand the cotangents that an update was pulled back to over to what was updated and what was written."""
    for parent, r in zip(node.parents, (mine, taken), strict=True):
        if parent is None:
            continue
        if r.shape != parent.shape:
            r = fit(r, parent.shape)
        if parent not in totals:
            totals[parent] = r
        elif r is mine:
            shared.discard(parent)
            totals[parent] = accumulate(r, totals[parent], parent, shared)
        else:
            totals[parent] = accumulate(totals[parent], r, parent, shared)
    if node.parents[0] is not None:
        passing.add(node.parents[0])


def _add_together(
    contributions: Sequence[Array], parents: Sequence[Node | None], totals: dict[Node, Array], shared: set[Node]
) -> None:
    """Add up what a rule for all inputs at once returned: anybody's memory, unless nobody else refers to it."""
    for parent, r in zip(parents, contributions, strict=True):
        if parent is None:
            continue
        mine = r.base is None and getrefcount(r) <= _OURS
        if r.shape != parent.shape:
            r = fit(r, parent.shape)
        if parent in totals:
            totals[parent] = accumulate(totals[parent], r, parent, shared)
        else:
            totals[parent] = r
            if not mine:
                shared.add(parent)


def _references() -> int:
    """What ``getrefcount`` says in the loop of ``_add_together`` of an array that nobody else has."""
    for _, r in zip((None,), [np.empty(0)], strict=True):
        count = getrefcount(r)
    return count


_OURS = _references()
