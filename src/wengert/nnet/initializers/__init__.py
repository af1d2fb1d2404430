"""Values for parameters to start from. Those that are drawn come from NumPy's global generator (``np.random.seed``)."""

from wengert.arrays.creation import identity
from wengert.nnet.initializers.drawn import glorot_normal, glorot_uniform, he_normal, he_uniform, normal, uniform
from wengert.nnet.initializers.fixed import constant, dirac

__all__ = [
    "constant",
    "dirac",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "normal",
    "uniform",
]
