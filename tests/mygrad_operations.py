"""Operations written as MyGrad's classes, for the tests of them."""

import numpy as np

from wengert.compat.mygrad.operation_base import BinaryUfunc, Operation, Sequential, UnaryUfunc

__all__ = ["Exp", "Hypot", "Multiply", "Sine", "Sum"]


class Multiply(Operation):
    calls = ()

    def __call__(self, a, b):
        self.variables = (a, b)
        return a.data * b.data

    def backward_var(self, grad, index, **kwargs):
        type(self).calls += (index,)
        return grad * self.variables[1 - index].data


class Sine(Operation):
    def __call__(self, x, frequency=1.0):
        self.variables = (x,)
        self.slope = frequency * np.cos(frequency * x.data)
        return np.sin(frequency * x.data)

    def backward_var(self, grad, index, **kwargs):
        return grad * self.slope


class Exp(UnaryUfunc):
    numpy_ufunc = np.exp

    def backward_var(self, grad, index, **kwargs):
        return grad * np.exp(self.variables[0].data)


class Hypot(BinaryUfunc):
    numpy_ufunc = np.hypot

    def backward_var(self, grad, index, **kwargs):
        a, b = (x.data for x in self.variables)
        return grad * self.variables[index].data / np.hypot(a, b)


class Sum(Sequential):
    @staticmethod
    def numpy_func(a, axis=None, dtype=None, out=None, **kwargs):
        return np.sum(a, axis=axis, dtype=dtype, **kwargs)

    def backward_var(self, grad, index, **kwargs):
        if self.axis is not None and self.keepdims is np._NoValue:
            grad = np.expand_dims(grad, self.axis)
        return np.broadcast_to(grad, self.variables[0].shape)
