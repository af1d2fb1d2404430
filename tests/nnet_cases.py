"""Calls of every function of ``wengert.nnet`` that has derivatives, at points where it is smooth."""

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import nnet

__all__ = ["CASES", "gru_parameters"]

_rng = np.random.default_rng(1964)
_normal = _rng.normal
_LABELS = np.array([0, 2, 1, -1])
_X = _normal(size=(4, 3))
_P = np.exp(_X) / np.exp(_X).sum(axis=1, keepdims=True)


def gru_parameters(rng: np.random.Generator, channels: int, hidden: int) -> list[np.ndarray[Any, Any]]:
    """Weights and biases of the update gate, the reset gate and the candidate."""
    return [rng.normal(size=shape) for shape in 3 * [(channels, hidden), (hidden, hidden), (hidden,)]]


CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "elu": (lambda x: nnet.elu(x, 0.3), (_X,)),
    "elu by alpha": (nnet.elu, (_X, np.array(0.3))),
    "glu": (nnet.glu, (_normal(size=(3, 4)),)),
    "glu, first axis": (lambda x: nnet.glu(x, 0), (_normal(size=(2, 3)),)),
    "hard_tanh": (nnet.hard_tanh, (_X,)),
    "hard_tanh by bounds": (
        lambda x, low, high: nnet.hard_tanh(x, lower_bound=low, upper_bound=high),
        (_X, np.array(-0.5), np.array([0.4])),
    ),
    "leaky_relu": (lambda x: nnet.leaky_relu(x, 0.3), (_X,)),
    "leaky_relu by slope": (nnet.leaky_relu, (_X, np.array(0.3))),
    "logsoftmax": (nnet.logsoftmax, (_X,)),
    "logsoftmax, two axes": (lambda x: nnet.logsoftmax(x, (0, 2)), (_normal(size=(2, 2, 3)),)),
    "relu": (nnet.relu, (_X,)),
    "relu of a number": (nnet.relu, (np.array(0.7),)),
    "selu": (nnet.selu, (_X,)),
    "sigmoid": (nnet.sigmoid, (_X,)),
    "soft_sign": (nnet.soft_sign, (_X,)),
    "softmax": (nnet.softmax, (_X,)),
    "softmax, all axes": (lambda x: nnet.softmax(x, None), (_X,)),
    "tanh": (nnet.tanh, (_X,)),
    "focal_loss": (lambda p: nnet.focal_loss(p, _LABELS, alpha=0.7, gamma=1.5), (_P,)),
    "focal_loss without focus": (lambda p: nnet.focal_loss(p, _LABELS), (_P,)),
    "focal_loss by alpha": (lambda p, alpha: nnet.focal_loss(p, _LABELS, alpha=alpha, gamma=2), (_P, np.array(0.7))),
    "margin_ranking_loss": (
        lambda a, b: nnet.margin_ranking_loss(a, b, [1, -1, 1, 1], 0.3),
        (_X, _normal(size=(4, 3))),
    ),
    "margin_ranking_loss by y": (
        lambda a, b, y: nnet.margin_ranking_loss(a, b, y, 0.6),
        (_X, _normal(size=(4, 3)), _normal(size=4)),
    ),
    "multiclass_hinge": (lambda x: nnet.multiclass_hinge(x, _LABELS, 0.7), (_X,)),
    "negative_log_likelihood": (lambda x: nnet.negative_log_likelihood(x, _LABELS), (_X,)),
    "negative_log_likelihood by weights": (
        lambda x, w: nnet.negative_log_likelihood(x, _LABELS, weights=w),
        (_X, _rng.uniform(size=3)),
    ),
    "softmax_crossentropy": (lambda x: nnet.softmax_crossentropy(x, _LABELS), (_X,)),
    "softmax_focal_loss": (lambda x: nnet.softmax_focal_loss(x, _LABELS, alpha=0.7, gamma=1.5), (_X,)),
    "softmax_focal_loss without focus": (lambda x: nnet.softmax_focal_loss(x, _LABELS), (_X,)),
    "batchnorm": (lambda x: nnet.batchnorm(x, eps=0.1), (_X,)),
    "batchnorm by parameters": (
        lambda x, gamma, beta: nnet.batchnorm(x, gamma=gamma, beta=beta, eps=0.1),
        (_normal(size=(2, 2, 3)), _normal(size=2), _normal(size=2)),
    ),
    "conv_nd": (lambda x, w: nnet.conv_nd(x, w, stride=2), (_normal(size=(2, 2, 5)), _normal(size=(3, 2, 3)))),
    "conv_nd, two axes": (
        lambda x, w: nnet.conv_nd(x, w, stride=(1, 2), padding=(1, 0), dilation=(2, 1)),
        (_normal(size=(1, 2, 3, 4)), _normal(size=(2, 2, 2, 2))),
    ),
    "max_pool": (lambda x: nnet.max_pool(x, (2, 2), 1), (_normal(size=(2, 3, 4)),)),
    "max_pool apart": (lambda x: nnet.max_pool(x, (2,), 3), (_normal(size=(2, 5)),)),
    "gru": (nnet.gru, (_normal(size=(2, 1, 2)), *gru_parameters(_rng, 2, 2))),
    "gru, more steps": (nnet.gru, (_normal(size=(5, 2, 1)), *gru_parameters(_rng, 1, 2))),
    "gru, derivatives cut off": (
        lambda *arrays: nnet.gru(*arrays, s0=np.full((2, 2), 0.3), bp_lim=2),
        (_normal(size=(3, 2, 1)), *gru_parameters(_rng, 1, 2)),
    ),
}  # fmt: skip
"""By name: a function of arrays, and the arrays."""
