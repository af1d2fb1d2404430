"""Every function of the table, at every sample call beside its entry, compiled: values and derivatives."""

import re
from functools import cache

import numpy as np
import pytest

import wengert as wg
from tests.calls import FUNCTIONS_WITH_CASES, bind, name_of, samples
from wengert.compiler import backend
from wengert.compiler.compiled import compile_call
from wengert.compiler.graph import fill
from wengert.compiler.jit import jit
from wengert.compiler.signature import Call, Statics
from wengert.core.trees import flatten
from wengert.errors import TraceError
from wengert.testing.realmap import RealMap, inner, random_like

bound_samples = cache(lambda function: [bind(function, call) for call in samples(function)])

NEEDS_VALUES = {
    "intersect1d", "setdiff1d", "setxor1d", "union1d", "unique", "unique_all", "unique_counts", "unique_inverse",
    "unique_values", "trim_zeros", "roots", "lib.scimath.arccos", "lib.scimath.arcsin", "lib.scimath.arctanh",
    "lib.scimath.log", "lib.scimath.log10", "lib.scimath.log2", "lib.scimath.logn", "lib.scimath.power",
    "lib.scimath.sqrt", "real_if_close-0", "real_if_close-1", "real_if_close-2",
    # bins that are fitted to the data
    "histogram-0", "histogram-1", "histogram2d-0", "histogram2d-2", "histogram_bin_edges", "histogramdd",
    # a polynomial with complex roots is real if they come in pairs
    "poly-2",
}  # fmt: skip
"""Functions, or single sample calls of one, whose results' shape or dtype depends on values."""


def calls(needing_values):
    return pytest.mark.parametrize(
        ("function", "f", "args"),
        [
            pytest.param(function, f, args, id=f"{name}-{k}")
            for function in FUNCTIONS_WITH_CASES
            for k, (f, args) in enumerate(bound_samples(function))
            if (not {name := name_of(function), f"{name}-{k}"}.isdisjoint(NEEDS_VALUES)) is needing_values
        ],
    )


CALLS = calls(needing_values=False)


def total_of(f, args):
    """A number that depends on all of the result of ``f``, not linearly."""
    real_map = RealMap(f, args)
    weights = random_like(real_map(*args), np.random.default_rng(1964))
    return lambda *xs: inner(weights, [y + 0.5 * (y * y) for y in real_map.traced(*xs)])


def check(found, expected, **tolerances):
    for y, z in zip(flatten(found)[0], flatten(expected)[0], strict=True):
        assert np.asarray(y).dtype == np.asarray(z).dtype
        np.testing.assert_allclose(y, z, **tolerances)


@pytest.fixture
def replayed(monkeypatch):
    """NumPy computes what is traced: what is asked then is whether that is right, and there is less to compile."""
    monkeypatch.setattr(backend, "why_not_native", lambda: "the test asks for NumPy")


@CALLS
def test_values(function, f, args):
    check(jit(f)(*args), f(*args), rtol=1e-12, atol=1e-13)


@CALLS
def test_gradients(function, f, args):
    total = wg.value_and_grad(total_of(f, args), tuple(range(len(args))))
    (value, gradients), (expected, known) = jit(total)(*args), total(*args)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    check(gradients, known, rtol=1e-11, atol=1e-12)


@CALLS
@pytest.mark.usefixtures("replayed")
def test_differentiated_from_outside(function, f, args):
    where = tuple(range(len(args)))
    total = total_of(f, args)
    check(wg.grad(jit(total), where)(*args), wg.grad(total, where)(*args), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("order", ["jvp", "hvp", "jit(hvp)"])
@CALLS
@pytest.mark.usefixtures("replayed")
def test_higher_orders(function, f, args, order):
    if not args:
        return
    total, rng = total_of(f, args), np.random.default_rng(7)
    tangents = tuple(random_like(args, rng))
    if order == "jvp":
        check(wg.jvp(jit(total), args, tangents), wg.jvp(total, args, tangents), rtol=1e-10, atol=1e-11)
        return
    first, rest = args[0], args[1:]
    g = wg.grad(lambda x: total(x, *rest))
    compiled = jit(lambda x, t: wg.jvp(g, (x,), (t,))) if order == "jit(hvp)" else None
    found = compiled(first, tangents[0]) if compiled else wg.jvp(
        wg.grad(jit(lambda x: total(x, *rest))), (first,), (tangents[0],)
    )  # fmt: skip
    check(found, wg.jvp(g, (first,), (tangents[0],)), rtol=1e-9, atol=1e-10)


@CALLS
def test_what_is_known_of_each_value(function, f, args):
    call = Call(args, {}, Statics(f, (), ()), frozenset())
    compiled = compile_call(f, call)
    known = {}
    for x, array in zip(compiled.graph.inputs, [*call.arrays, *[c.array for c in compiled.captures]], strict=True):
        known[x.number] = array
    with np.errstate(all="ignore"):
        for value in compiled.graph.values:
            if value.prim == "constant":
                known[value.number] = value.attrs
            elif value.prim == "apply":
                op, operands, params = value.attrs
                inputs = [known[x.number] for x in value.inputs]
                y = known[value.number] = op.fun(*fill(operands, inputs), **fill(params, inputs))
                assert (np.shape(y), np.asarray(y).dtype) == (value.shape, value.dtype), value.describe()


@calls(needing_values=True)
def test_those_that_need_values_say_so(function, f, args):
    with pytest.raises(TraceError, match=r"static_argnums") as caught:
        jit(f)(*args)
    assert re.search(r"needs the value|depends on the values", str(caught.value))
    assert "calls.py" in str(caught.value)
