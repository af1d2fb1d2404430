"""Every function of the table, at every sample call beside its entry, on a batch: what it gives example by example."""

from functools import cache

import numpy as np
import pytest

import wengert as wg
from tests.calls import FUNCTIONS_WITH_CASES, bind, complex_like, name_of, samples
from wengert.core.trees import flatten
from wengert.errors import ConversionError
from wengert.ops.cases import CASES
from wengert.testing.realmap import RealMap, boxed, inner, random_like

bound_samples = cache(lambda function: [bind(function, call) for call in samples(function)])

BY_VALUE = {
    "histogram-0", "histogram-1", "histogram2d-0", "histogram2d-2", "histogram_bin_edges-0", "histogram_bin_edges-1",
    "histogramdd", "intersect1d", "lib.scimath.arccos", "lib.scimath.arcsin", "lib.scimath.arctanh", "lib.scimath.log",
    "lib.scimath.log10", "lib.scimath.log2", "lib.scimath.logn", "lib.scimath.power", "lib.scimath.sqrt", "poly-2",
    "real_if_close-0", "real_if_close-1", "real_if_close-2", "roots", "setdiff1d", "setxor1d", "trim_zeros", "union1d",
    "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values",
}  # fmt: skip
"""Functions, or single samples, whose results have a shape or dtype that depends on the values of one example."""

KEEPS_ZEROS = {"polydiv"}
"""Functions that cut zeros off where the values are known, and leave them where many examples have one shape."""

ASKS_THE_FIRST_ALONE = {"full_like"}
"""Functions that NumPy hands over if the first argument is boxed, not for others; those raise a ConversionError."""


def calls(only=lambda function, args: True, by_value=False):
    """Parametrizes a test over all sample calls that ``only`` holds for."""
    return pytest.mark.parametrize(
        ("f", "args"),
        [
            pytest.param(f, args, id=f"{name_of(function)}-{k}")
            for function in FUNCTIONS_WITH_CASES
            for k, (f, args) in enumerate(bound_samples(function))
            if args and only(function, args) and is_by_value(function, k) is by_value
            if name_of(function) not in KEEPS_ZEROS
        ],
    )


def is_by_value(function, k):
    return not BY_VALUE.isdisjoint((name_of(function), f"{name_of(function)}-{k}"))


def takes_several(function, args):
    return len(args) > 1 and name_of(function) not in ASKS_THE_FIRST_ALONE


def takes_single(function, args):
    """Whether the results are in single precision, too, and do not depend on rounding: where data fall into bins."""
    return all(x.dtype == np.float64 for x in args) and "histogram" not in name_of(function)


def is_analytic(function, args):
    return CASES[function].analytic


def variants(args):
    """The arguments and two others close to them."""
    rng = np.random.default_rng(1964)
    return [args, *[tuple([x * (1.0 + 0.01 * rng.uniform(size=np.shape(x))) for x in args]) for _ in range(2)]]


def stacked(examples):
    return tuple([np.stack(xs) for xs in zip(*examples, strict=True)])


def assert_stacks(found, expected, rtol=1e-12):
    """``found`` holds what stacking the trees ``expected`` gives."""
    columns = zip(*[flatten(tree)[0] for tree in expected], strict=True)
    for y, ys in zip(flatten(found)[0], columns, strict=True):
        z = np.stack(ys)
        assert y.dtype == z.dtype
        np.testing.assert_allclose(y, z, rtol=rtol, atol=rtol, strict=True)


def weighted(f, args):
    """The sum of ``y + y²/2`` over the results with random weights, as a function of the arguments."""
    real_map = RealMap(f, args)
    weights = random_like(real_map(*args), np.random.default_rng(1964))
    return lambda *xs: boxed(inner(weights, [y + 0.5 * (y * y) for y in real_map.traced(*xs)]))


@calls()
def test_values(f, args):
    examples = variants(args)
    assert_stacks(wg.vmap(f)(*stacked(examples)), [f(*xs) for xs in examples])


@calls(takes_several)
def test_one_argument_alone(f, args):
    """The others are the same for all examples."""
    examples = variants(args)
    for i in range(len(args)):
        alone = [(*args[:i], xs[i], *args[i + 1 :]) for xs in examples]
        given = (*args[:i], np.stack([xs[i] for xs in examples]), *args[i + 1 :])
        axes = tuple([0 if k == i else None for k in range(len(args))])
        assert_stacks(wg.vmap(f, axes)(*given), [f(*xs) for xs in alone])


@calls()
def test_gradient_of_each_example(f, args):
    gradient = wg.grad(weighted(f, args), tuple(range(len(args))))
    examples = variants(args)
    assert_stacks(wg.vmap(gradient)(*stacked(examples)), [gradient(*xs) for xs in examples], 1e-11)


@calls()
def test_gradient_of_all_examples(f, args):
    total = weighted(f, args)
    argnums = tuple(range(len(args)))
    examples = variants(args)
    found = wg.grad(lambda *xs: np.sum(wg.vmap(total)(*xs)), argnums)(*stacked(examples))
    assert_stacks(found, [wg.grad(total, argnums)(*xs) for xs in examples], 1e-11)


@calls()
def test_tangents(f, args):
    """Forward mode, within the batch and around it."""
    total = weighted(f, args)
    examples = variants(args)
    xs, ts = stacked(examples), stacked([tuple(map(np.cos, example)) for example in examples])
    expected = [wg.jvp(total, example, tuple(map(np.cos, example)))[1] for example in examples]
    assert_stacks(wg.vmap(lambda *xt: wg.jvp(total, xt[: len(args)], xt[len(args) :])[1])(*xs, *ts), expected, 1e-11)
    assert_stacks(wg.jvp(wg.vmap(total), xs, ts)[1], expected, 1e-11)


@calls()
def test_no_examples(f, args):
    """Results have the shape and dtype that they would have."""
    found = wg.vmap(f)(*[x[None][:0] for x in args])
    for y, z in zip(flatten(found)[0], flatten(f(*args))[0], strict=True):
        assert y.shape == (0, *np.shape(z))
        assert y.dtype == np.asarray(z).dtype


@calls()
def test_examples_along_the_last_axis(f, args):
    """Memory is ordered otherwise then."""
    examples = variants(args)
    given = [np.stack(xs, axis=-1) for xs in zip(*examples, strict=True)]
    assert_stacks(wg.vmap(f, in_axes=-1)(*given), [f(*xs) for xs in examples])


@calls(takes_single)
def test_single_precision(f, args):
    examples = [tuple([x.astype(np.float32) for x in xs]) for xs in variants(args)]
    assert_stacks(wg.vmap(f)(*stacked(examples)), [f(*xs) for xs in examples], 2e-5)


@calls(is_analytic)
def test_complex_arguments(f, args):
    examples = [complex_like(xs) for xs in variants(args)]
    assert_stacks(wg.vmap(f)(*stacked(examples)), [f(*xs) for xs in examples])


@calls(by_value=True)
def test_what_depends_on_values_says_so(f, args):
    with pytest.raises(ConversionError, match="vmap"):
        wg.vmap(f)(*stacked(variants(args)))
