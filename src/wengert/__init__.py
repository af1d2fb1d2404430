"""Gradients for NumPy code: never silently wrong, as fast as if derived by hand.

``wg.grad(f)`` and its relatives transform functions written with NumPy; ``wg.tensor`` makes an array that records what
is done to it. NumPy's functions also stand here under their own names and return tensors: ``wg.exp``, ``wg.sum``, ...
"""

from typing import Any

from wengert import errors
from wengert.arrays import Dual, Tensor, tensor
from wengert.arrays.namespace import names as _names
from wengert.arrays.namespace import tensor_function as _tensor_function
from wengert.core.masking import strict_cotangents
from wengert.core.trees import tree_map
from wengert.transforms import (
    custom_gradient,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)

__version__ = "0.1.0"

__all__ = [
    "Dual",
    "Tensor",
    "custom_gradient",
    "errors",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "stop_gradient",
    "strict_cotangents",
    "tensor",
    "tree_map",
    "value_and_grad",
    "vjp",
]


def __getattr__(name: str) -> Any:
    """NumPy's functions, wrapped the first time one is asked for."""
    function = globals()[name] = _tensor_function(name)
    return function


def __dir__() -> list[str]:
    return sorted({*globals(), *_names()})
