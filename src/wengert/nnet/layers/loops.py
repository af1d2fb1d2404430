"""The two loops over time of a gated recurrent unit, each step of which needs the one before.

They are plain NumPy, within what Numba compiles. Compiled, a step on a small batch takes a fifth of the time, which is
then mostly that of calls. On large batches NumPy's own loops are the faster ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from wengert._types import Array

__all__ = ["backward", "forward", "loops_for"]


def forward(
    states: Array, inputs: Array, gates: Array, candidates: Array, gate_weights: Array, weights: Array, reset: Array,
    one: Any,
) -> None:  # fmt: skip
    """Fill ``states`` from the first on, and the ``gates`` (update, reset) and ``candidates`` of each step.

    ``inputs`` are what the inputs add to the three, ``reset`` is memory to work in.
    """
    n = weights.shape[0]
    for t in range(inputs.shape[0]):
        state, gate, candidate, new = states[t], gates[t], candidates[t], states[t + 1]
        np.dot(state, gate_weights, gate)
        np.add(gate, inputs[t, :, : 2 * n], gate)
        np.negative(gate, gate)
        np.exp(gate, gate)
        np.add(gate, one, gate)
        np.divide(one, gate, gate)
        np.multiply(gate[:, n:], state, reset)
        np.dot(reset, weights, candidate)
        np.add(candidate, inputs[t, :, 2 * n :], candidate)
        np.tanh(candidate, candidate)
        np.subtract(state, candidate, new)
        np.multiply(new, gate[:, :n], new)
        np.add(new, candidate, new)


def backward(
    cotangents: Array, update: Array, reset: Array, candidate_slope: Array, update_slope: Array, reset_slope: Array,
    by_gates: Array, by_candidates: Array, gate_weights: Array, weights: Array, work: Array,
) -> None:  # fmt: skip
    """Fill ``by_gates`` and ``by_candidates``, the cotangents of what these are functions of, from the last step on.

    The slopes say how the cotangent of a new state (for ``reset_slope``, of reset times state) is passed on to them.
    Both matrices of weights are transposed; ``work`` is memory to work in, whose first part is zero.
    """
    n = weights.shape[0]
    by_state, by_reset, part = work[0], work[1], work[2]
    for k in range(update.shape[0]):
        t = update.shape[0] - 1 - k
        by_gate, by_candidate = by_gates[t], by_candidates[t]
        np.add(by_state, cotangents[t + 1], by_state)
        np.multiply(by_state, candidate_slope[t], by_candidate)
        np.dot(by_candidate, weights, by_reset)
        np.multiply(by_state, update_slope[t], by_gate[:, :n])
        np.multiply(by_reset, reset_slope[t], by_gate[:, n:])
        np.dot(by_gate, gate_weights, part)
        np.multiply(by_state, update[t], by_state)
        np.multiply(by_reset, reset[t], by_reset)
        np.add(by_state, by_reset, by_state)
        np.add(by_state, part, by_state)


def loops_for(steps: int, elements: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """``forward`` and ``backward`` in the form that is the faster for so many steps on states of so many elements."""
    return _compiled() if steps > 3 and elements <= 512 else (forward, backward)


@cache
def _compiled() -> tuple[Callable[..., None], Callable[..., None]]:
    """Both compiled by Numba; what was compiled is kept on disk, where there is a place for it."""
    import numba  # loaded on first use: it takes many times as long to import as wengert

    try:
        return numba.njit(cache=True)(forward), numba.njit(cache=True)(backward)
    except RuntimeError:  # no directory can be written to
        return numba.njit(forward), numba.njit(backward)
