"""The gated recurrent unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.arrays.tensor import Tensor
from wengert.core.aliasing import innermost, keeps_gradient
from wengert.core.dispatch import apply
from wengert.nnet.activations.sigmoids import LOGISTIC
from wengert.nnet.fused import Pullback, fused
from wengert.nnet.layers.loops import loops_for
from wengert.nnet.values import InvalidSetting, finished, floating, number, precisely
from wengert.transforms.custom import stop_gradient

__all__ = ["gru"]

# Arrays are in the order of the arguments: x, then u, w and b of the update gate z, the reset gate r and the candidate
# h. ``masks`` are what dropout multiplies the inputs' contributions to these three by.


def _evaluated(*arrays: Array, wanted: Sequence[bool], s0: Array, masks: Sequence[Array]) -> tuple[Array, Pullback]:
    """What needs no earlier state is computed for all steps at once, the rest in loops over time."""
    dtype, (x, *parameters) = precisely(*arrays)
    (uz, ur, uh), (wz, wr, wh), (bz, br, bh) = parameters[::3], parameters[1::3], parameters[2::3]
    (steps, n, _), d = x.shape, len(bz)
    u = np.concatenate([uz, ur, uh], 1)
    inputs = np.reshape(_rows(x) @ u, (steps, n, 3 * d))
    if masks:
        mask = np.concatenate(masks, 1).astype(x.dtype)
        inputs *= mask
    inputs += np.concatenate([bz, br, bh])
    states = np.empty((steps + 1, n, d), x.dtype)
    states[0] = s0
    gates, candidates = np.empty((steps, n, 2 * d), x.dtype), np.empty((steps, n, d), x.dtype)
    wg, wh = np.concatenate([wz, wr], 1), np.array(wh, order="C")
    forward, backward = loops_for(steps, n * d)
    with np.errstate(over="ignore"):
        forward(states, inputs, gates, candidates, wg, wh, np.empty((n, d), x.dtype), x.dtype.type(1))

    def pullback(g: Array, y: Array, x: Array, *_: Array) -> Sequence[Array | None]:
        update, reset, before = gates[..., :d], gates[..., d:], y[:-1].astype(gates.dtype, copy=False)
        kept = reset * before
        keep = 1.0 - update
        slopes = (keep * (1.0 - candidates * candidates), update * keep * (before - candidates), kept * (1.0 - reset))
        by_gates, by_candidates = np.empty_like(gates), np.empty_like(candidates)
        work = np.zeros((3, n, d), gates.dtype)
        g, wg_t, wh_t = [np.array(a, gates.dtype, order="C") for a in (g, wg.T, wh.T)]
        backward(g, update, reset, *slopes, by_gates, by_candidates, wg_t, wh_t, work)
        by_wg, by_wh = _rows(before).T @ _rows(by_gates), _rows(kept).T @ _rows(by_candidates)
        by_inputs = np.concatenate([by_gates, by_candidates], 2)
        by_b = np.add.reduce(by_inputs, (0, 1))
        if masks:
            by_inputs *= mask
        by_u = _rows(x).astype(gates.dtype, copy=False).T @ _rows(by_inputs)
        by_x = np.reshape(_rows(by_inputs) @ u.T, x.shape) if wanted[0] else None
        by_w = (by_wg[:, :d], by_wg[:, d:], by_wh)
        return by_x, *[part for k in range(3) for part in (by_u[:, k * d :][:, :d], by_w[k], by_b[k * d :][:d])]

    return states.astype(dtype, copy=False), pullback


def _rows(x: Array) -> Array:
    """``x``, of shape ``(T, N, K)``, with a row a step and datum."""
    return np.reshape(x, (x.shape[0] * x.shape[1], x.shape[2]))


def _inputs(x: Array, parameters: Sequence[Array], masks: Sequence[Array]) -> list[Array]:
    """What the inputs add to the update gate, the reset gate and the candidate, at all steps."""
    products = [x @ u for u in parameters[::3]]
    if masks:
        products = [p * mask for p, mask in zip(products, masks, strict=True)]
    return [p + b for p, b in zip(products, parameters[2::3], strict=True)]


def _step(inputs: Sequence[Array], state: Array, parameters: Sequence[Array]) -> Array:
    """The state after one step."""
    az, ar, ah = inputs
    wz, wr, wh = parameters[1::3]
    z = apply(LOGISTIC, (az + state @ wz,))
    r = apply(LOGISTIC, (ar + state @ wr,))
    h = np.tanh(ah + (r * state) @ wh)
    return h + z * (state - h)


@fused(_evaluated, of_result=True)
def _unrolled(x: Array, *parameters: Array, s0: Array, masks: Sequence[Array]) -> Array:
    inputs = _inputs(x, parameters, masks)
    states = [s0]
    for t in range(x.shape[0]):
        states.append(_step([a[t] for a in inputs], states[-1], parameters))
    return np.stack(states)


def _truncated(depth: int, x: Array, *parameters: Array, s0: Array, masks: Sequence[Array]) -> Array:
    """The same states; each is a function of the last ``depth + 1`` inputs alone, from a constant state on.

    Those of all steps are computed side by side.
    """
    constant = [stop_gradient(a) for a in (x, *parameters)]
    known = innermost(_unrolled(*constant, s0=s0, masks=masks))
    inputs = _inputs(x, parameters, masks)
    t = np.arange(x.shape[0])
    states = known[np.maximum(t - depth, 0)]
    for lag in range(depth, -1, -1):
        new = _step([a[np.maximum(t - lag, 0)] for a in inputs], states, parameters)
        states = np.where((t >= lag)[:, None, None], new, states)
    return np.concatenate([s0[None], states])


def gru(
    X: Any, Uz: Any, Wz: Any, bz: Any, Ur: Any, Wr: Any, br: Any, Uh: Any, Wh: Any, bh: Any,
    s0: Any = None, bp_lim: Any = None, dropout: float = 0.0, constant: bool | None = None,
) -> Tensor:  # fmt: skip
    """The states of a gated recurrent unit, before the first input and after each::

        z = sigmoid(x Uz + s Wz + bz)
        r = sigmoid(x Ur + s Wr + br)
        h = tanh(x Uh + (r * s) Wh + bh)
        s_next = (1 - z) * h + z * s

    ``X``, the inputs, has shape (T, N, C): T steps, N sequences, C numbers each. The matrices ``U`` have shape (C, D),
    ``W`` (D, D), the vectors ``b`` (D,); ``s0``, the first state, (N, D), zeros if it is not given. All are real. The
    result has shape (T + 1, N, D). ``s0`` is a constant.

    ``bp_lim`` limits how many steps derivatives are carried back: a state then depends on the input of its own step and
    of that many before. ``dropout``, from 0 to below 1, is the share of numbers that are set to zero, at random, in
    the matrices ``W`` and, the same ones at all steps, in ``X U``; what is left is scaled up. They are drawn from
    NumPy's global generator (``np.random.seed``).

    Raises ``ValueError`` for shapes that don't fit and for a variable tensor ``s0``, ``AssertionError`` for ``bp_lim``
    outside 0 to T - 1 and ``dropout`` outside 0 to 1, ``TypeError`` for what is no number.

    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation", 2014;
    dropout as by Merity, Keskar and Socher, "Regularizing and optimizing LSTM language models", 2017, and Gal and
    Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks", 2016.

    >>> import numpy as np, wengert as wg
    >>> from wengert.nnet import gru
    >>> U, W, b = wg.tensor(np.ones((1, 2))), wg.tensor(np.eye(2)), wg.tensor(np.zeros(2))
    >>> states = gru(np.array([[[1.0]], [[-1.0]]]), U, W, b, U, W, b, U, W, b)
    >>> states[-1]
    Tensor([[-0.44163462, -0.44163462]])
    >>> states.backward()
    >>> b.grad
    array([0.47353198, 0.47353198])
    """
    names = ("X", "Uz", "Wz", "bz", "Ur", "Wr", "br", "Uh", "Wh", "bh")
    values = (X, Uz, Wz, bz, Ur, Wr, br, Uh, Wh, bh)
    arrays = [floating(f"gru: {name}", a) for name, a in zip(names, values, strict=True)]
    _check_shapes(names, arrays)
    n, d = arrays[0].shape[1], arrays[1].shape[-1]
    s0 = _first_state(s0, (n, d), arrays[0].dtype)
    masks: list[Array] = []
    dropout = number("gru", "dropout", dropout)
    if not 0 <= dropout < 1:
        raise InvalidSetting(f"gru: dropout must be at least 0 and less than 1; got {dropout!r}.")
    if dropout:
        masks = [_mask(dropout, (n, d), arrays[0]) for _ in range(3)]
        arrays[2::3] = [w * _mask(dropout, (d, d), w) for w in arrays[2::3]]
    if bp_lim is None:
        return finished(_unrolled(*arrays, s0=s0, masks=masks), constant)
    if not isinstance(bp_lim, int | np.integer) or not 0 <= bp_lim < max(len(arrays[0]), 1):
        raise InvalidSetting(
            f"gru: bp_lim must be an integer from 0 to less than the number of steps, {len(arrays[0])}; got {bp_lim!r}."
        )
    return finished(_truncated(int(bp_lim), *arrays, s0=s0, masks=masks), constant)


def _check_shapes(names: Sequence[str], arrays: Sequence[Array]) -> None:
    x, u = arrays[:2]
    if x.ndim != 3 or u.ndim != 2:
        raise ValueError(f"gru: X has shape {x.shape} and Uz {u.shape}; they must be (T, N, C) and (C, D).")
    c, d = x.shape[2], u.shape[1]
    for name, a in zip(names[1:], arrays[1:], strict=True):
        shape = {"U": (c, d), "W": (d, d), "b": (d,)}[name[0]]
        if a.shape != shape:
            raise ValueError(
                f"gru: {name} has shape {a.shape}; with X of shape {x.shape} and Uz of shape {u.shape} it must be "
                f"{shape}."
            )


def _first_state(s0: Any, shape: tuple[int, int], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    if s0 is None:
        return np.zeros(shape, dtype)
    if keeps_gradient(s0):
        raise ValueError(
            "gru: s0 is a variable tensor, but no derivative is taken with respect to the first state. Pass "
            "wg.stop_gradient(s0)."
        )
    s0 = np.asarray(innermost(floating("gru: s0", s0)))
    try:
        return np.broadcast_to(s0, shape).astype(dtype)
    except ValueError:
        raise ValueError(f"gru: s0 must have shape {shape}; got shape {s0.shape}.") from None


def _mask(dropout: float, shape: tuple[int, int], like: Array) -> np.ndarray[Any, Any]:
    """Zeros with probability ``dropout``, elsewhere what keeps the mean at 1."""
    kept = np.random.binomial(1, 1.0 - dropout, shape)  # noqa: NPY002 - the global generator is what is documented
    return (kept / (1.0 - dropout)).astype(like.dtype)
