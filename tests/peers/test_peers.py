"""The table's sample calls by other libraries: pullbacks agree wherever a peer has the function."""

import autograd
import autograd.numpy
import jax
import jax.numpy
import numpy as np
import pytest
import torch

import wengert as wg
from tests.calls import FUNCTIONS_WITH_CASES, bind, kind_of, name_of, samples
from wengert.testing.realmap import RealMap, parts, random_like

jax.config.update("jax_enable_x64", True)

SAMPLES = 2
"""How many samples of each function are compared: peers compile or trace each anew, which is slow."""

ROUNDING = 1e-12

NOT_IN_JAX = {}
NOT_IN_AUTOGRAD = {}

IN_TORCH = {
    name: getattr(torch, name)
    for name in (
        "add", "subtract", "multiply", "divide", "negative", "square", "sqrt", "reciprocal", "power", "exp", "expm1",
        "exp2", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh",
        "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "hypot", "maximum", "minimum", "fmax", "fmin", "logaddexp",
        "logaddexp2", "sinc", "deg2rad", "rad2deg", "outer", "cumsum", "cumprod", "matmul", "kron", "trace", "ravel",
        "fliplr", "flipud",
    )
    if hasattr(torch, name)
} | {"power": torch.pow, "reciprocal": torch.reciprocal}  # fmt: skip


def peer_function(module, function):
    """What the peer calls this function of NumPy's, if it has it."""
    for part in name_of(function).split("."):
        module = getattr(module, part, None)
    return module


def calls(find, exceptions):
    """Parametrizes a test over the first samples of every function that ``find`` finds in a peer."""
    params = []
    for function in FUNCTIONS_WITH_CASES:
        peer = find(function)
        if peer is None or kind_of(function) == "constant" or name_of(function) in exceptions:
            continue
        params += [
            pytest.param(function, peer, call, id=f"{name_of(function)}-{k}")
            for k, call in enumerate(samples(function)[:SAMPLES])
        ]
    return pytest.mark.parametrize(("function", "peer", "call"), params)


def pulled_by_wengert(function, call):
    """The arguments, cotangents of the results, and what wengert pulls them back to."""
    f, args = bind(function, call)
    real_map = RealMap(f, args)
    values, pullback = wg.vjp(real_map.traced, *args)
    weights = random_like(values, np.random.default_rng(1))
    pulled = pullback(weights)
    return args, weights, parts([pulled] if len(args) == 1 else pulled)


def inexact(results):
    """The inexact leaves of what a peer returned."""
    return [y for y in flatten_any(results) if np.dtype(str(y.dtype).removeprefix("torch.")).kind in "fc"]


def flatten_any(results):
    if isinstance(results, tuple | list):
        return [y for result in results for y in flatten_any(result)]
    return [results]


def assert_agree(found, expected, conjugate=False):
    np.testing.assert_allclose(found, expected, rtol=ROUNDING, atol=ROUNDING * (1 + np.abs(expected).max(initial=0)))


@calls(lambda function: peer_function(jax.numpy, function), NOT_IN_JAX)
def test_jax(function, peer, call):
    f, _ = bind(peer, call)
    args, weights, expected = pulled_by_wengert(function, call)
    _, pullback = jax.vjp(lambda *xs: inexact(f(*xs)), *args)
    conjugated = [jax.numpy.conj(jax.numpy.asarray(w)) for w in weights]  # JAX's pullback is the transpose alone
    assert_agree(parts([np.conj(g) for g in pullback(conjugated)]), expected)


@calls(lambda function: peer_function(autograd.numpy, function), NOT_IN_AUTOGRAD)
def test_autograd(function, peer, call):
    f, _ = bind(peer, call)
    args, weights, expected = pulled_by_wengert(function, call)

    def weighted(args):
        ys = inexact(f(*args))
        return sum(autograd.numpy.sum(autograd.numpy.real(np.conj(w) * y)) for w, y in zip(weights, ys, strict=True))

    assert_agree(parts([np.conj(g) for g in autograd.grad(weighted)(list(args))]), expected)


@calls(lambda function: IN_TORCH.get(name_of(function)), {})
def test_torch(function, peer, call):
    f, _ = bind(peer, call)
    args, weights, expected = pulled_by_wengert(function, call)
    tensors = [torch.tensor(x, requires_grad=True) for x in args]
    ys = inexact(f(*tensors))
    torch.autograd.backward(ys, [torch.tensor(w) for w in weights])
    assert_agree(parts([t.grad.numpy() if t.grad is not None else np.zeros(t.shape) for t in tensors]), expected)
