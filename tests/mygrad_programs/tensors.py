"""Tensors made, converted, stored, drawn; functions by the modules they are imported from."""

from tempfile import TemporaryFile

import numpy as np

from tests.mygrad_programs.library import numbers, program


@program
def constants(lib):
    mg = lib.mg
    integers, variable = mg.tensor([1, 2]), mg.tensor([1.0, 2.0])
    fixed = mg.tensor([3.0, 4.0], constant=True)
    found = {
        "integers": integers.constant,
        "sum": (integers + variable).constant,
        "of constants": (fixed * 2).constant,
        "flag": mg.multiply(variable, fixed, constant=True).constant,
        "cast": integers.astype(float).constant,
        "comparison": type(variable > fixed) is np.ndarray,
    }
    y = (variable * fixed + integers).sum()
    y.backward()
    return {**found, "fixed": fixed.grad is None, "integers.grad": integers.grad is None, "variable": variable.grad}


@program
def copies_and_conversions(lib):
    mg = lib.mg
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    (x**2).sum().backward()
    y = x.copy()
    shared = mg.astensor(x.data)
    return {
        "copy": y,
        "copied grad": y.grad,
        "apart": bool(np.shares_memory(x, y)),
        "same": mg.astensor(x) is x,
        "shared": bool(np.shares_memory(shared.data, x.data)),
        "asarray": mg.asarray(x),
        "item": x[1, 1].item(),
        "float": float(x[0, 1]),
        "len": len(x),
        "single": x.astype(np.float32),
        "shape": str((x.shape, x.ndim, x.size, x.dtype)),
    }


@program
def created(lib):
    mg = lib.mg
    double = {"dtype": np.float64}
    like = mg.tensor([[1.0, 2.0]])
    found = {
        "arange": mg.arange(2.0, 8.0, 1.5, **double),
        "eye": mg.eye(2, 3, **double),
        "full": mg.full((2, 2), 1.5, **double),
        "full_like": mg.full_like(like, 3.0),
        "geomspace": mg.geomspace(1.0, 100.0, 3, **double),
        "identity": mg.identity(3, **double),
        "linspace": mg.linspace(0.0, 1.0, 5, **double),
        "logspace": mg.logspace(0.0, 2.0, 3, **double),
        "ones": mg.ones((2,), **double),
        "ones_like": mg.ones_like(like),
        "zeros": mg.zeros((2, 1), **double),
        "zeros_like": mg.zeros_like(like),
    }
    return {**found, "constant": [t.constant for t in found.values()], "said": mg.ones(2, constant=True).constant}


@program
def saved_and_loaded(lib):
    mg = lib.mg
    x = mg.tensor([1.0, 2.0])
    (x**3).sum().backward()
    with TemporaryFile() as file:
        mg.save(file, x)
        file.seek(0)
        y = mg.load(file)
    return {"y": y, "grad": y.grad, "constant": y.constant}


@program
def random_numbers(lib):
    mg, random = lib.mg, lib("random")
    random.seed(3)
    found = {
        "rand": random.rand(2, 3),
        "randn": random.randn(3),
        "randint": random.randint(2, 10, (4,)),
        "sample": random.random_sample((2,)),
        "random": random.random((2,)),
    }
    x = random.rand(3)
    (x * 2).sum().backward()
    return {**found, "grad": x.grad, "same seed": [mg.random.seed(3), mg.random.rand(2, 3)][1]}


@program
def norms_and_products(lib):
    mg = lib.mg
    a, b, c = mg.tensor(numbers(2, 3)), mg.tensor(numbers(3, 4, seed=1)), mg.tensor(numbers(4, 2, seed=2))
    y = mg.multi_matmul([a, b, c])
    z = mg.linalg.norm(y, axis=1)
    w = mg.multiply_sequence(z, z + 1, z * 2)
    w.sum().backward()
    return {"y": y, "z": z, "w": w, "a": a.grad, "b": b.grad, "c": c.grad}


@program
def functions_by_their_modules(lib):
    mg = lib.mg
    found = {}
    calls = {
        "math.arithmetic.funcs": ["add", "divide", "reciprocal", "subtract"],
        "math.exp_log.funcs": ["exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "logaddexp"],
        "math.hyperbolic_trig.funcs": ["arcsinh", "arctanh", "coth", "csch", "sech", "sinh"],
        "math.misc.funcs": ["absolute", "cbrt", "maximum", "minimum", "sqrt"],
        "math.sequential.funcs": ["amax", "cumprod", "cumsum", "mean", "min", "prod", "std", "var"],
        "math.trigonometric.funcs": ["arccos", "arccot", "arctan2", "cot", "csc", "sec", "sinc", "tan"],
        "tensor_manip.array_shape.funcs": ["atleast_2d", "ravel", "squeeze"],
        "tensor_manip.transpose_like.funcs": ["transpose"],
    }
    binary = {"add", "divide", "subtract", "logaddexp", "maximum", "minimum", "arctan2"}
    for path, names in calls.items():
        for name in names:
            x, y = mg.tensor([[0.3, 0.55, 0.8]]), mg.tensor([[0.7], [0.2]])
            z = getattr(lib(path), name)(*([x, y] if name in binary else [x]))
            (z * numbers(*z.shape)).sum().backward()
            found |= {name: z, f"{name}.grad": x.grad}
    joining = lib("tensor_manip.tensor_joining.funcs")
    x = mg.tensor([1.0, 2.0])
    y = joining.concatenate([joining.stack([x, x]).reshape(-1), lib("tensor_manip.tiling.funcs").repeat(x, 2)])
    (y * numbers(8)).sum().backward()
    return {**found, "joined": y, "joined.grad": x.grad, "any": bool(lib("math.nondifferentiable").any(y > 1))}


@program
def numpy_functions_on_tensors(lib):
    mg = lib.mg
    x = mg.tensor(numbers(3, 4))
    y = np.sum(np.exp(x) * np.where(x > 0, x, -x)) + np.max(x) + np.einsum("ij->i", x).prod()
    y.backward()
    z = mg.clip(x, -0.5, 0.5)
    (z**2).mean().backward()
    return {
        "y": y,
        "type": type(y) is mg.Tensor,
        "z": z,
        "x": x.grad,
        "argmax": np.argmax(x),
        "close": np.allclose(x, x),
    }


@program
def graph_drawing(lib):
    mg, build_graph = lib.mg, lib("computational_graph").build_graph
    x, y = mg.tensor([1.0, 2.0]), mg.tensor(3.0)
    z = (x * y).sum()
    graph = build_graph(z, names={"x": x, "the product": z}, dims=True, dtypes=True, sum_stats=True)
    return {
        "named": ["the product" in graph.source, "label=x" in graph.source or '"x\n' in graph.source],
        "edges": graph.source.count("->"),
        "nothing": build_graph(z, render=False) is None,
    }
