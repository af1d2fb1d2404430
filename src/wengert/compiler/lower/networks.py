"""Functions of ``wengert.nnet`` that are operations of their own, as formulas; later passes make the best of these."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.compiler.lower.written import formula

__all__: list[str] = []


@formula("sigmoid")
def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


@formula("soft_sign")
def _soft_sign(x: Any) -> Any:
    return x / (1.0 + np.abs(x))


@formula("relu")
def _relu(x: Any) -> Any:
    return np.maximum(x, 0.0)


@formula("leaky_relu")
def _leaky_relu(x: Any, slope: float) -> Any:
    return np.minimum(x, 0.0) * slope + np.maximum(x, 0.0)


@formula("elu")
def _elu(x: Any, alpha: float, scale: float) -> Any:
    return np.expm1(np.minimum(x, 0.0)) * (scale * alpha) + np.maximum(x, 0.0) * scale


@formula("hard_tanh")
def _hard_tanh(x: Any, lower: Any, upper: Any) -> Any:
    return np.maximum(np.minimum(x, upper), lower)


def _shifted(x: Any, axis: Any) -> Any:
    """``x`` less its maximum; equal infinities are zero apart."""
    top = np.max(x, axis=axis, keepdims=True)
    return np.where(x == top, 0.0, x - top)


@formula("softmax")
def _softmax(x: Any, axis: Any) -> Any:
    e = np.exp(_shifted(x, axis))
    return e / np.sum(e, axis=axis, keepdims=True)


@formula("logsoftmax")
def _log_softmax(x: Any, axis: Any) -> Any:
    u = _shifted(x, axis)
    return u - np.log(np.sum(np.exp(u), axis=axis, keepdims=True))
