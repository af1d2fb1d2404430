"""Elements that were not selected: whatever way they were left out, an infinite slope there changes nothing."""

import itertools

import numpy as np
import pytest

import wengert as wg

LEFT_OUT = {
    "where": lambda x: np.where(x > 0, np.sqrt(x), x),
    "select": lambda x: np.select([x > 0], [np.sqrt(x)], x),
    "choose": lambda x: np.choose(1, [np.sqrt(x), x]),
    "maximum": lambda x: np.maximum(np.sqrt(x), x + 1),
    "fmax": lambda x: np.fmax(np.sqrt(x), x + 1),
    "max": lambda x: np.max(np.stack([np.sqrt(x), x + 1])),
    "nanmax": lambda x: np.nanmax(np.stack([np.sqrt(x), x + 1])),
    "maximum.accumulate": lambda x: np.maximum.accumulate(np.stack([x + 1, np.sqrt(x)]))[1],
    "clip": lambda x: np.clip(x + 5, None, np.sqrt(x) + 9),
    "clip from below": lambda x: np.clip(x + 5, np.sqrt(x), None),
    "sort": lambda x: np.sort(np.stack([np.sqrt(x) - 1, x, x + 1]))[1],
    "median": lambda x: np.median(np.stack([np.sqrt(x) - 1, x, x + 1])),
    "an index": lambda x: np.stack([np.sqrt(x), x])[1],
    "take_along_axis": lambda x: np.take_along_axis(np.stack([np.sqrt(x), x]), np.array([1]), 0)[0],
    "delete": lambda x: np.delete(np.stack([np.sqrt(x), x]), 0)[0],
    "tril": lambda x: np.sum(np.tril(np.stack([np.stack([x, np.sqrt(x)]), np.zeros(2)]))),
    "sum where": lambda x: np.sum(np.stack([np.sqrt(x), x]), where=np.array([False, True])),
    "nansum": lambda x: np.nansum(np.stack([np.sqrt(x) * np.nan, x])),
    "sum of rows": lambda x: np.sum(np.stack([np.stack([np.sqrt(x), x]), np.stack([x, 0 * x])]), axis=1)[1],
    "matmul of rows": lambda x: (np.stack([np.stack([np.sqrt(x), x]), np.stack([x, x])]) @ np.array([1.0, 0.0]))[1],
    "overwritten": lambda x: overwritten(np.stack([np.sqrt(x), x]), x),
}


def overwritten(z, x):
    z[0] = 0.0 * x
    return np.sum(z)


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def reverse(f):
    return wg.grad(f)


def forward(f):
    return lambda x: wg.jvp(f, (x,), (1.0,))[1]


@pytest.mark.parametrize("modes", [m for n in (1, 2, 3) for m in itertools.product((reverse, forward), repeat=n)])
@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_was_left_out_has_no_derivative(name, modes):
    f = LEFT_OUT[name]
    for mode in modes:
        f = mode(f)
    assert f(0.0) == (1.0 if len(modes) == 1 else 0.0)


@pytest.mark.parametrize("name", ["where", "maximum", "max", "sum where"])
def test_strict_cotangents_bring_ieee_arithmetic_back(name):
    with wg.strict_cotangents():
        assert np.isnan(reverse(LEFT_OUT[name])(0.0))


@pytest.mark.parametrize("mode", [reverse, forward])
@pytest.mark.parametrize("name", ["where", "overwritten"])
def test_the_checker_tells_selection_from_arithmetic(name, mode):
    f = LEFT_OUT[name]
    assert np.isnan(mode(lambda x: f(x) + np.sqrt(x) ** 2)(0.0))
