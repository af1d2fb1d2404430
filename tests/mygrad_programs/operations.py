"""Operations of a person's own, in and out of larger computations."""

import numpy as np

from tests.mygrad_programs.library import numbers, program


def own_operations(lib):
    operation_base = lib("operation_base")

    class Multiply(operation_base.Operation):
        def __call__(self, a, b):
            self.variables = (a, b)
            return a.data * b.data

        def backward_var(self, grad, index, **kwargs):
            return grad * self.variables[1 - index].data

    class LogCosh(operation_base.Operation):
        def __call__(self, x, *, sharpness=1.0):
            self.variables = (x,)
            self.sharpness = sharpness
            self.tanh = np.tanh(sharpness * x.data)
            return np.logaddexp(sharpness * x.data, -sharpness * x.data) - np.log(2)

        def backward(self, grad, **kwargs):
            self.slope = self.sharpness * self.tanh
            super().backward(grad, **kwargs)

        def backward_var(self, grad, index, **kwargs):
            return grad * self.slope

    class Cube(operation_base.UnaryUfunc):
        numpy_ufunc = np.frompyfunc(lambda x: x**3, 1, 1)

        def __call__(self, x1, *args, **kwargs):
            self.variables = (x1,)
            return x1.data**3

        def backward_var(self, grad, index, **kwargs):
            return grad * 3 * self.variables[0].data ** 2

    return Multiply, LogCosh, Cube


@program
def own_operation(lib):
    mg = lib.mg
    multiply, log_cosh, cube = own_operations(lib)
    a, b = mg.tensor(numbers(4, 3)), mg.tensor(numbers(3, seed=1))
    y = lib.execute_op(multiply, a, b)
    z = lib.execute_op(log_cosh, y + a, op_kwargs={"sharpness": 0.5})
    w = lib.execute_op(cube, z * [1.0, 2.0, 3.0])
    w.sum().backward()
    return {"y": y, "z": z, "w": w, "a": a.grad, "b": b.grad, "y.grad": y.grad, "z.grad": z.grad}


@program
def own_operation_with_constants(lib):
    mg = lib.mg
    multiply, *_ = own_operations(lib)
    x = mg.tensor([1.0, 2.0])
    found = {}
    for name, other in {"list": [3, 4], "number": 2.5, "constant": mg.tensor(2.0, constant=True)}.items():
        y = lib.execute_op(multiply, x, other)
        y.backward()
        found |= {name: y, f"{name}.grad": x.grad, f"{name}.constant": y.constant}
    y = lib.execute_op(multiply, x, 3.0, constant=True)
    z = lib.execute_op(multiply, [1, 2], 3)
    w = lib.execute_op(multiply, x.astype(np.float32), np.float32(3))
    w.backward()
    return {**found, "constant=True": y.constant, "integers": z, "of integers": z.constant, "single": w}


@program
def own_operation_and_updates(lib):
    mg = lib.mg
    multiply, *_ = own_operations(lib)
    x = mg.tensor([1.0, 2.0, 3.0])
    w = +x
    y = lib.execute_op(multiply, w, w[::-1])
    w *= 10
    w[:1] = y[1:2]
    y += 1
    (y * w).sum().backward()
    return {"y": y, "w": w, "x.grad": x.grad, "w.grad": w.grad, "y.grad": y.grad}


@program
def own_operation_into_out(lib):
    mg = lib.mg
    operation_base = lib("operation_base")

    class Exp(operation_base.UnaryUfunc):
        numpy_ufunc = np.exp

        def backward_var(self, grad, index, **kwargs):
            return grad * np.exp(self.variables[0].data)

    x, start = mg.tensor([1.0, 2.0]), mg.tensor([5.0, 6.0])
    target = +start
    y = lib.execute_op(Exp, x, out=target, op_kwargs={"where": np.array([True, False])})
    (y * [2.0, 3.0]).sum().backward()
    return {"same": y is target, "y": y, "x": x.grad, "start": start.grad}


@program
def own_operation_refused(lib):
    mg, errors = lib.mg, lib("errors")
    operation_base = lib("operation_base")
    found = {}
    for returned in (None, "a gradient", [1.0, 2.0]):

        class Bad(operation_base.Operation):
            def __call__(self, x):
                self.variables = (x,)
                return +x.data

            def backward_var(self, grad, index, returned=returned, **kwargs):
                return returned

        x = mg.tensor([1.0, 2.0])
        try:
            lib.execute_op(Bad, x).backward()
        except errors.InvalidGradient as error:
            found[repr(returned)] = isinstance(error, errors.MyGradException)
    return found
