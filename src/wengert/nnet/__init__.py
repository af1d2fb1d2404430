"""What neural networks are made of: activations, layers, losses and initial values of parameters.

All are functions of arrays or tensors that return tensors; they work inside every transformation, and to any order of
derivative. Each takes ``constant``: whether the result is a constant, which otherwise follows from what it is computed
from.

>>> import numpy as np, wengert as wg
>>> from wengert.nnet import relu, softmax_crossentropy
>>> w = wg.tensor([[1.0, 0.0, -1.0], [0.0, 1.0, 1.0]])
>>> loss = softmax_crossentropy(relu(np.array([[1.0, 2.0]]) @ w), [1])
>>> loss
Tensor(0.55144471)
>>> loss.backward()
>>> w.grad
array([[ 0.21194156, -0.42388312,  0.21194156],
       [ 0.42388312, -0.84776623,  0.42388312]])
"""

from wengert.nnet import activations, initializers, layers, losses
from wengert.nnet.activations import (
    elu,
    glu,
    hard_tanh,
    leaky_relu,
    logsoftmax,
    relu,
    selu,
    sigmoid,
    soft_sign,
    softmax,
    tanh,
)
from wengert.nnet.initializers import (
    constant,
    dirac,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    identity,
    normal,
    uniform,
)
from wengert.nnet.layers import batchnorm, conv_nd, gru, max_pool
from wengert.nnet.losses import (
    focal_loss,
    margin_ranking_loss,
    multiclass_hinge,
    negative_log_likelihood,
    softmax_crossentropy,
    softmax_focal_loss,
)

__all__ = [
    "activations",
    "batchnorm",
    "constant",
    "conv_nd",
    "dirac",
    "elu",
    "focal_loss",
    "glorot_normal",
    "glorot_uniform",
    "glu",
    "gru",
    "hard_tanh",
    "he_normal",
    "he_uniform",
    "identity",
    "initializers",
    "layers",
    "leaky_relu",
    "logsoftmax",
    "losses",
    "margin_ranking_loss",
    "max_pool",
    "multiclass_hinge",
    "negative_log_likelihood",
    "normal",
    "relu",
    "selu",
    "sigmoid",
    "soft_sign",
    "softmax",
    "softmax_crossentropy",
    "softmax_focal_loss",
    "tanh",
    "uniform",
]
