"""Arguments may be given by position or by keyword, and defaults may be written out: the derivative is the same."""

import inspect

import numpy as np
import pytest

import wengert as wg
from tests.calls import FUNCTIONS_WITH_CASES, bind, name_of, samples
from wengert.core.trees import flatten
from wengert.testing.realmap import RealMap, parts, random_like

BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
LEFT_AWAY = (inspect.Parameter.empty, np._NoValue)
"""Defaults that can't be written out."""
SECRETLY_POSITIONAL = {np.unique_values, np.unique_counts, np.unique_inverse, np.unique_all}
"""NumPy takes the argument of these by position alone, which their signatures do not say."""


def signature_of(function):
    """The function's signature, or ``None`` if it keeps it to itself or takes any number of arguments."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return None
    if function in SECRETLY_POSITIONAL:
        (x,) = signature.parameters.values()
        signature = signature.replace(parameters=[x.replace(kind=x.POSITIONAL_ONLY)])
    return None if any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()) else signature


def by_keyword(bound, parameters):
    """As many arguments as possible by keyword."""
    args = [bound[p.name] for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in bound]
    return args, {
        p.name: bound[p.name]
        for p in parameters
        if p.kind not in (p.POSITIONAL_ONLY, p.VAR_KEYWORD) and p.name in bound
    }


def by_position(bound, parameters):
    """As many arguments as possible by position, defaults between them written out."""
    args, kwargs = [], dict(bound)
    for p in parameters:
        if p.kind not in BY_POSITION or (p.name not in bound and p.default in LEFT_AWAY):
            break
        if not kwargs:
            break
        args.append(kwargs.pop(p.name, p.default))
    return args, {p.name: kwargs[p.name] for p in parameters if p.kind is not p.VAR_KEYWORD and p.name in kwargs}


def written_out(bound, parameters):
    """Every default as a keyword."""
    args, kwargs = by_keyword(bound, parameters)
    defaults = {
        p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.default not in LEFT_AWAY
    }
    return args, {**defaults, **kwargs}


def gradient(f, args):
    real_map = RealMap(f, args)
    values, pullback = wg.vjp(real_map.traced, *args)
    pulled = pullback(random_like(values, np.random.default_rng(0)))
    return parts([pulled] if len(args) == 1 else pulled)


CALLS = [
    pytest.param(function, call, id=f"{name_of(function)}-{k}")
    for function in FUNCTIONS_WITH_CASES
    if not isinstance(function, np.ufunc) and signature_of(function) is not None
    for k, call in enumerate(samples(function))
]


@pytest.mark.parametrize("form", [by_keyword, by_position, written_out])
@pytest.mark.parametrize(("function", "call"), CALLS)
def test_form(function, call, form):
    f, arrays = bind(function, call)
    signature = signature_of(function)
    bound = signature.bind(*call.args, **call.kwargs).arguments
    extra = next(
        (bound.pop(p.name) for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD and p.name in bound), {}
    )
    args, kwargs = form(bound, signature.parameters.values())
    leaves, build = flatten((tuple(args), {**kwargs, **extra}))
    places = [next(i for i, x in enumerate(leaves) if x is array) for array in arrays]

    def reformed(*xs):
        new = list(leaves)
        for i, x in zip(places, xs, strict=True):
            new[i] = x
        args, kwargs = build(new)
        return function(*args, **kwargs)

    if len(set(places)) == len(places):  # an array that is given twice has no one place
        np.testing.assert_array_equal(gradient(reformed, arrays), gradient(f, arrays))


@pytest.mark.parametrize("function", [np.sum, np.prod, np.nansum, np.nanprod], ids=name_of)
def test_all_arguments_of_sums_by_position(function):
    mask = np.array([True, False, True])
    x = np.arange(1.0, 7.0).reshape(2, 3)
    expected = gradient(lambda x: function(x, axis=1, keepdims=True, initial=2.0, where=mask), (x,))
    found = gradient(lambda x: function(x, 1, None, None, True, 2.0, mask), (x,))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("function", [np.max, np.min, np.nanmax, np.nanmin], ids=name_of)
def test_all_arguments_of_extrema_by_position(function):
    mask = np.array([True, False, True])
    x = np.arange(1.0, 7.0).reshape(2, 3)
    expected = gradient(lambda x: function(x, axis=1, keepdims=True, initial=2.5, where=mask), (x,))
    found = gradient(lambda x: function(x, 1, None, True, 2.5, mask), (x,))
    np.testing.assert_array_equal(found, expected)
