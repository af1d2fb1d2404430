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

bound_samples = cache(lambda function: [bind(function, call) for call in samples(function)])


def calls(only=lambda function: True):
    """Parametrizes a test over all sample calls of the functions that ``only`` holds for."""
    return pytest.mark.parametrize(
        ("function", "f", "args"),
        [
            pytest.param(function, f, args, id=f"{name_of(function)}-{k}")
            for function in FUNCTIONS_WITH_CASES
            if only(function)
            for k, (f, args) in enumerate(bound_samples(function))
        ],
    )


def is_analytic(function):
    return CASES[function].analytic


def all_real(args):
    return all(x.dtype.kind == "f" for x in args)


@calls()
def test_values_are_numpys(function, f, args):
    expected = f(*args)
    found = f(*[wg.tensor(x) for x in args])
    plain, rebuild = flatten(found)
    assert type(rebuild(plain)) is type(expected) or isinstance(found, wg.Tensor)
    for y, z in zip(plain, flatten(expected)[0], strict=True):
        y = y.data if isinstance(y, wg.Tensor) else y
        assert np.asarray(y).dtype == np.asarray(z).dtype
        np.testing.assert_allclose(y, z, rtol=1e-12, atol=1e-13, strict=np.ndim(y) > 0)


@calls()
def test_jacobian(function, f, args):
    check_jacobian(f, args, analytic=is_analytic(function) and all_real(args))


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


@calls()
def test_dtypes(function, f, args):
    check_dtypes(f, args)


@calls()
def test_arguments_are_left_alone(function, f, args):
    check_inputs_unchanged(f, args)


@calls()
def test_layouts(function, f, args):
    check_layouts(f, args)
