"""The table's sample calls by other libraries: pullbacks agree wherever a peer has the function."""

import autograd
import autograd.numpy
import jax
import jax.numpy
import numpy as np
import pytest
import torch
from autograd.builtins import SequenceBox

import wengert as wg
from tests.calls import FUNCTIONS_WITH_CASES, bind, kind_of, name_of, samples
from wengert.ops.cases import Call
from wengert.testing.realmap import RealMap, parts, random_like

jax.config.update("jax_enable_x64", True)

SAMPLES = 2
"""How many samples of each function are compared: peers compile or trace each anew, which is slow."""

ROUNDING = 1e-12

TAKES_NO_LISTS = "takes no lists of traced arrays"
OTHER_SIGNATURE = "has another signature"
ZERO = "calls the derivative zero"
COUNTS_VARY = "takes counts for numbers that vary"
KEEPS_ZEROS = "keeps what NumPy cuts off"

NOT_IN_JAX = {
    "apply_along_axis": "traces the function it is given",
    "apply_over_axes-1": OTHER_SIGNATURE,
    "clip-1": OTHER_SIGNATURE,
    "copy-1": "copies in the order 'K' only",
    "full_like-1": OTHER_SIGNATURE,
    "histogram-0": COUNTS_VARY,
    "histogram2d-1": COUNTS_VARY,
    "histogramdd-0": COUNTS_VARY,
    "histogram_bin_edges-1": OTHER_SIGNATURE,
    "logspace-1": "does not broadcast the base",
    "nextafter": "has no derivative",
    "piecewise": "traces the functions it is given",
    "polydiv": KEEPS_ZEROS,
    "roots-0": "has complex results of real coefficients",
    **dict.fromkeys(("setdiff1d", "setxor1d", "union1d"), ZERO),
    **dict.fromkeys(("unique", "unique_all", "unique_counts", "unique_inverse", "unique_values"), ZERO),
    "sign": "calls the derivative zero for complex numbers too, where sign(z) is z/|z|",
}
"""Functions, or single samples of them, that JAX lacks or differentiates by another convention; and why."""

NOT_IN_AUTOGRAD = {
    "block": TAKES_NO_LISTS,
    "choose": TAKES_NO_LISTS,
    "dstack": TAKES_NO_LISTS,
    "astype": "warns of the conversion",
    "clip-0": "has no derivative by the bounds",
    "cross-1": "does not sum over the axes of a factor that is broadcast",
    "diagonal": "takes the last two axes only",
    "gradient-0": "fails in the derivative for axes of different lengths",
    "hsplit-0": "does not split vectors, whose only axis is the first",
    "broadcast_to": "cannot add leading axes",
    "full_like": "warns where there is no derivative",
    "sign": "warns where there is no derivative",
    "linspace-1": OTHER_SIGNATURE,
    "nan_to_num-1": OTHER_SIGNATURE,
    "pad": OTHER_SIGNATURE,
    "outer-1": "multiplies matrices without flattening them in the derivative",
    "partition-1": "takes one axis only",
    "sort-1": "takes one axis only",
    "where-0": "does not broadcast the cotangent of a scalar",
}
"""The same for autograd. Functions without a derivative there are left out without mention."""

NOT_IN_TORCH = {
    "cumprod": OTHER_SIGNATURE,
    "cumsum": OTHER_SIGNATURE,
    "outer-1": "takes vectors only",
    "ravel-1": OTHER_SIGNATURE,
    "trace-1": OTHER_SIGNATURE,
}

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


def autograd_function(function):
    """autograd's function of that name, unless it is a primitive without a derivative."""
    peer = peer_function(autograd.numpy, function)
    return peer if peer in autograd.core.primitive_vjps or not hasattr(peer, "fun") else None


def without_lists(call):
    """The call with lists of numbers as arrays, as JAX wants them."""
    args = [np.array(a) if isinstance(a, list) and all(isinstance(x, int) for x in a) else a for a in call.args]
    return Call(tuple(args), call.kwargs)


def calls(find, exceptions):
    """Parametrizes a test over the first samples of every function that ``find`` finds in a peer."""
    params = []
    for function in FUNCTIONS_WITH_CASES:
        peer = find(function)
        name = name_of(function)
        if peer is None or kind_of(function) == "constant" or name in exceptions:
            continue
        params += [
            pytest.param(function, peer, call, id=f"{name}-{k}")
            for k, call in enumerate(samples(function)[:SAMPLES])
            if f"{name}-{k}" not in exceptions
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
    if isinstance(results, tuple | list | SequenceBox):
        return [y for result in results for y in flatten_any(result)]
    return [results]


def assert_agree(found, expected):
    np.testing.assert_allclose(found, expected, rtol=ROUNDING, atol=ROUNDING * (1 + np.abs(expected).max(initial=0)))


@calls(lambda function: peer_function(jax.numpy, function), NOT_IN_JAX)
def test_jax(function, peer, call):
    f, _ = bind(peer, without_lists(call))
    args, weights, expected = pulled_by_wengert(function, call)
    _, pullback = jax.vjp(lambda *xs: inexact(f(*xs)), *args)
    conjugated = [jax.numpy.conj(jax.numpy.asarray(w)) for w in weights]  # JAX's pullback is the transpose alone
    assert_agree(parts([np.conj(g) for g in pullback(conjugated)]), expected)


@calls(autograd_function, NOT_IN_AUTOGRAD)
def test_autograd(function, peer, call):
    f, _ = bind(peer, call)
    args, weights, expected = pulled_by_wengert(function, call)

    def weighted(args):
        ys = inexact(f(*args))
        return sum(autograd.numpy.sum(autograd.numpy.real(np.conj(w) * y)) for w, y in zip(weights, ys, strict=True))

    assert_agree(parts([np.conj(g) for g in autograd.grad(weighted)(list(args))]), expected)


@calls(lambda function: IN_TORCH.get(name_of(function)), NOT_IN_TORCH)
def test_torch(function, peer, call):
    f, _ = bind(peer, call)
    args, weights, expected = pulled_by_wengert(function, call)
    tensors = [torch.tensor(x, requires_grad=True) for x in args]
    ys = inexact(f(*tensors))
    torch.autograd.backward(ys, [torch.tensor(w) for w in weights])
    assert_agree(parts([t.grad.numpy() if t.grad is not None else np.zeros(t.shape) for t in tensors]), expected)
