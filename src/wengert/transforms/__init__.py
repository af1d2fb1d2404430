"""Transformations of functions: gradients, products with Jacobians and Hessians, rules of a person's own."""

from wengert.transforms.custom import custom_gradient, stop_gradient
from wengert.transforms.forward import hvp, jvp
from wengert.transforms.jacobians import hessian, jacobian
from wengert.transforms.reverse import grad, value_and_grad, vjp

__all__ = ["custom_gradient", "grad", "hessian", "hvp", "jacobian", "jvp", "stop_gradient", "value_and_grad", "vjp"]
