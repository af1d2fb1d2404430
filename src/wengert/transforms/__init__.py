"""Transformations of functions: gradients, Jacobian and Hessian products, batches, loops, rules of a person's own."""

from wengert.transforms.control import cond, fori_loop, scan, while_loop
from wengert.transforms.custom import custom_gradient, stop_gradient
from wengert.transforms.forward import hvp, jvp
from wengert.transforms.jacobians import hessian, jacobian
from wengert.transforms.reverse import grad, value_and_grad, vjp
from wengert.transforms.vmap import vmap

__all__ = [
    "cond",
    "custom_gradient",
    "fori_loop",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "scan",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
