"""Gradients for NumPy code: never silently wrong, as fast as if derived by hand."""

from wengert.arrays import Tensor, tensor
from wengert.core.masking import strict_cotangents
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
