"""Every point of the table where the derivative is a matter of convention, exactly, in either mode."""

import numpy as np
import pytest

import wengert as wg
from tests.calls import FUNCTIONS_WITH_CASES, bind, name_of
from wengert.ops.cases import CASES, DOMAINS
from wengert.testing.realmap import RealMap, plain

KINKS = [
    pytest.param(function, kink, id=f"{name_of(function)}-{k}")
    for function in FUNCTIONS_WITH_CASES
    for k, kink in enumerate(CASES[function].kinks)
]


def expected_gradients(kink, args):
    assert len(kink.gradients) == len(args), "a kink states a gradient for each array that is varied"
    for expected, x in zip(kink.gradients, args, strict=True):
        yield np.array(expected if not isinstance(expected, str) else float(expected), np.asarray(x).dtype)


def by_reverse(f, args):
    real_map = RealMap(f, args)
    values, pullback = wg.vjp(real_map.traced, *args)
    pulled = pullback([np.ones(y.shape, y.dtype) for y in values])
    return [pulled] if len(args) == 1 else pulled


def by_forward(f, args):
    real_map = RealMap(f, args)
    gradients = [np.zeros(np.shape(x), np.asarray(x).dtype) for x in args]
    for gradient in gradients:
        for place in np.ndindex(gradient.shape):
            for one in (1, 1j) if gradient.dtype.kind == "c" else (1,):
                tangents = [np.zeros_like(g) for g in gradients]
                next(t for t, g in zip(tangents, gradients, strict=True) if g is gradient)[place] = one
                pushed = wg.jvp(real_map.traced, args, tangents)[1]
                gradient[place] += one * sum(np.real(plain(t).sum()) for t in pushed)
    return gradients


@pytest.mark.parametrize(("function", "kink"), KINKS)
@pytest.mark.parametrize("mode", [by_reverse, by_forward])
def test_kink(function, kink, mode):
    f, args = bind(function, kink.call)
    with np.errstate(all="ignore"):
        found = mode(f, args)
    for g, expected in zip(found, expected_gradients(kink, args), strict=True):
        np.testing.assert_array_equal(g, np.broadcast_to(expected, np.shape(g)))


@pytest.mark.parametrize("domain", DOMAINS)
def test_domains_draw_arrays_of_any_shape(domain):
    for shape in ((), (2, 3), (0,)):
        assert np.shape(DOMAINS[domain](np.random.default_rng(0), shape)) == shape
