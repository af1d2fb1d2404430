"""Every function of the table, at every sample call beside its entry, held against what its derivatives have to be."""

from functools import cache

import numpy as np
import pytest

import wengert as wg
from tests.calls import FUNCTIONS_WITH_CASES, bind, complex_like, name_of, samples
from wengert.core.trees import flatten
from wengert.ops.cases import CASES
from wengert.testing import (
    check_dtypes,
    check_inputs_unchanged,
    check_jacobian,
    check_layouts,
    check_orders,
    check_transpose,
)
from wengert.testing.realmap import RealMap, boxed, inner, plain, random_like

bound_samples = cache(lambda function: [bind(function, call) for call in samples(function)])


def calls(only=lambda function, f, args: True):
    """Parametrizes a test over all sample calls that ``only`` holds for."""
    return pytest.mark.parametrize(
        ("function", "f", "args"),
        [
            pytest.param(function, f, args, id=f"{name_of(function)}-{k}")
            for function in FUNCTIONS_WITH_CASES
            for k, (f, args) in enumerate(bound_samples(function))
            if only(function, f, args)
        ],
    )


def is_analytic(function, f, args):
    return CASES[function].analytic


def takes_several(function, f, args):
    return len(args) > 1


def mixes_dtypes(function, f, args):
    """Whether there are several real arguments, and NumPy takes them in different precision."""
    if len(args) < 2 or not all_real(args):
        return False
    try:
        f(args[0].astype(np.float32), *args[1:])
        f(*args[:-1], args[-1].astype(np.float32))
    except TypeError:
        return False
    return True


def all_real(args):
    return all(x.dtype.kind == "f" for x in args)


@calls()
def test_values_are_numpys(function, f, args):
    expected = f(*args)
    found = f(*[wg.tensor(x) for x in args])
    leaves, rebuild = flatten(found)
    assert type(rebuild(leaves)) is type(expected) or isinstance(found, wg.Tensor)
    for y, z in zip(leaves, flatten(expected)[0], strict=True):
        y = y.data if isinstance(y, wg.Tensor) else y
        assert np.asarray(y).dtype == np.asarray(z).dtype
        np.testing.assert_allclose(y, z, rtol=1e-12, atol=1e-13, strict=np.ndim(y) > 0)


@calls()
def test_jacobian(function, f, args):
    check_jacobian(f, args, analytic=CASES[function].analytic and all_real(args))


@calls()
def test_transpose(function, f, args):
    check_transpose(f, args)


@calls()
def test_orders(function, f, args):
    check_orders(f, args, order=3)


@calls(is_analytic)
def test_complex_arguments(function, f, args):
    z = complex_like(args)
    check_jacobian(f, z)
    check_transpose(f, z)
    check_orders(f, z, order=2)


def weighted(f, args):
    """The sum of ``y + y²/2`` over the results with random weights, as a function of the arguments."""
    real_map = RealMap(f, args)
    weights = random_like(real_map(*args), np.random.default_rng(1964))
    return lambda *xs: inner(weights, [y + 0.5 * (y * y) for y in real_map.traced(*xs)])


def one_varied(total, args, i):
    return lambda x: boxed(total(*args[:i], x, *args[i + 1 :]))


ASKS_THE_FIRST_ALONE = {np.full_like}
"""Functions that NumPy hands over if the first argument is traced, not for others; those raise a ConversionError."""


@calls(takes_several)
def test_one_argument_alone(function, f, args):
    """The others are plain arrays then, and rules are given fewer cotangents to compute."""
    total = weighted(f, args)
    together = wg.grad(total, tuple(range(len(args))))(*args)
    for i, x in enumerate(args[:1] if function in ASKS_THE_FIRST_ALONE else args):
        alone = one_varied(total, args, i)
        np.testing.assert_allclose(wg.grad(alone)(x), together[i], rtol=1e-13, atol=1e-13)
        tangent = np.cos(np.arange(x.size)).reshape(x.shape).astype(x.dtype)
        pushed = wg.jvp(alone, (x,), (tangent,))[1]
        np.testing.assert_allclose(pushed, np.real(np.vdot(tangent, together[i])), rtol=1e-12, atol=1e-12)


@calls(takes_several)
def test_arguments_at_different_levels(function, f, args):
    """The mixed second derivative, one argument traced by an outer transformation and another by an inner one."""
    total = weighted(f, args)
    rng = np.random.default_rng(7)
    u, v = random_like(args[:2], rng)

    def slope(mode, g, x, t):
        return boxed(wg.jvp(g, (x,), (t,))[1]) if mode == "F" else inner([t], [wg.grad(g)(x)])

    def mixed(outer, within):
        def of_first(a):
            return slope(within, lambda b: boxed(total(a, b, *args[2:])), args[1], v)

        return plain(slope(outer, of_first, args[0], u))

    def of_second(b):
        return slope("F", lambda a: boxed(total(a, b, *args[2:])), args[0], u)

    swapped = plain(slope("F", of_second, args[1], v))
    for modes in ("FF", "FR", "RF", "RR"):
        np.testing.assert_allclose(mixed(*modes), swapped, rtol=1e-11, atol=1e-11, err_msg=modes)


@calls()
def test_dtypes(function, f, args):
    check_dtypes(f, args)


@calls(mixes_dtypes)
def test_arguments_of_different_dtypes(function, f, args):
    """Each gradient has its argument's dtype; and ufuncs, which compute in the wider one, keep its precision."""
    total = weighted(f, args)
    argnums = tuple(range(len(args)))
    for i, x in enumerate(args):
        mixed = (*args[:i], x.astype(np.float32), *args[i + 1 :])
        rounded = (*args[:i], mixed[i].astype(np.float64), *args[i + 1 :])
        for a, g, expected in zip(
            mixed, wg.grad(total, argnums)(*mixed), wg.grad(total, argnums)(*rounded), strict=True
        ):
            assert g.dtype == a.dtype
            tolerance = 1e-13 if a.dtype == np.float64 and isinstance(function, np.ufunc) else 4e-6
            np.testing.assert_allclose(g, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max(initial=1.0))


@calls()
def test_arguments_are_left_alone(function, f, args):
    check_inputs_unchanged(f, args)


@calls()
def test_layouts(function, f, args):
    check_layouts(f, args)
