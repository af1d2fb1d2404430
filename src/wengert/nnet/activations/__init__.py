"""Activation functions."""

import numpy as np

from wengert.arrays.ufuncs import ufunc_of
from wengert.nnet.activations.rectifiers import elu, hard_tanh, leaky_relu, relu, selu
from wengert.nnet.activations.sigmoids import glu, sigmoid, soft_sign
from wengert.nnet.activations.softmax import logsoftmax, softmax

__all__ = [
    "elu",
    "glu",
    "hard_tanh",
    "leaky_relu",
    "logsoftmax",
    "relu",
    "selu",
    "sigmoid",
    "soft_sign",
    "softmax",
    "tanh",
]

tanh = ufunc_of(np.tanh)
