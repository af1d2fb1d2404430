"""Functions that NumPy lacks: sums and products of several tensors, chains of matrices, windows, secant and its kin."""

from itertools import pairwise

import numpy as np
import pytest

import wengert as wg
from wengert.errors import InputError
from wengert.testing import check_grads

X = np.array([0.3, -1.2, 2.0])
M = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def check(f, *args):
    check_grads(f, args)


# Sums and products


def test_sums_and_products():
    np.testing.assert_array_equal(wg.add_sequence(X, M, 2).data, X + M + 2)
    np.testing.assert_array_equal(wg.multiply_sequence(X, [1, 2, 3], M).data, X * [1, 2, 3] * M)
    check(lambda a, b: wg.add_sequence(a, b, a), X, M)
    check(lambda a, b: wg.multiply_sequence(a, b, a, 2.0), X, M)


def test_product_with_zeros():
    a, b, c = (wg.tensor(v) for v in (0.0, 3.0, 0.0))
    wg.multiply_sequence(a, b, c).backward()
    assert (a.grad, b.grad, c.grad) == (0.0, 0.0, 0.0)
    a, b = wg.tensor(0.0), wg.tensor(3.0)
    wg.multiply_sequence(a, b, 5.0).backward()
    assert (a.grad, b.grad) == (15.0, 0.0)


@pytest.mark.parametrize("function", [wg.add_sequence, wg.multiply_sequence])
def test_flags_and_too_few(function):
    x = wg.tensor(X)
    assert function(x, 1, constant=True).constant
    assert function(X, 1).constant
    assert not function(X, 1, constant=False).constant
    assert isinstance(function(1, 2), wg.Tensor)
    with pytest.raises(TypeError, match="constant must be"):
        function(x, x, constant=1)
    for few in ((), (x,)):
        with pytest.raises(ValueError, match=f"two or more tensors; got {len(few)}"):
            function(*few)
    with pytest.raises(ValueError, match="broadcast"):
        function(x, M.T)


def test_lists_with_tensors_in_them():
    assert wg.grad(lambda x: wg.sum(wg.add_sequence([x, 2.0], [x, x])))(1.0) == 3.0


# Chains of matrices


@pytest.mark.parametrize("sizes", [(2, 3, 4), (4, 2, 5, 3), (1, 6, 2, 3, 4), (3, 2, 2, 5, 1, 4)])
@pytest.mark.parametrize("vectors", ["", "first", "last", "both"])
def test_chain(sizes, vectors):
    rng = np.random.default_rng(len(sizes))
    chain = [rng.normal(size=pair) for pair in pairwise(sizes)]
    if vectors in ("first", "both"):
        chain[0] = chain[0][0]
    if vectors in ("last", "both"):
        chain[-1] = chain[-1][:, 0]
    np.testing.assert_allclose(wg.multi_matmul(chain).data, np.linalg.multi_dot(chain), rtol=1e-13)
    check(lambda *xs: wg.multi_matmul(xs), *chain)


def test_chain_is_multiplied_in_the_cheapest_order(monkeypatch):
    shapes = []
    matmul = np.matmul

    def counted(a, b):
        shapes.append((a.shape[0], a.shape[-1], b.shape[-1]))
        return matmul(a, b)

    monkeypatch.setattr(np, "matmul", counted)
    sizes = [30, 35, 15, 5, 10, 20, 25]
    wg.multi_matmul([np.ones(pair) for pair in pairwise(sizes)])
    assert sum(a * b * c for a, b, c in shapes) == 15125


def test_bad_chains():
    with pytest.raises(ValueError, match="two or more tensors; got 1"):
        wg.multi_matmul([M])
    with pytest.raises(ValueError, match=r"tensor 1 of 3 has shape \(3,\)"):
        wg.multi_matmul([M, X, M])
    with pytest.raises(ValueError, match=r"has shape \(1, 2, 3\)"):
        wg.multi_matmul([M[None], M.T])
    with pytest.raises(ValueError, match="don't match between tensors 0 and 1"):
        wg.multi_matmul([M, M])
    assert wg.multi_matmul([wg.tensor(M), X], constant=True).constant


# Sliding windows


def windows(a, window, step, dilation):
    """The view, element by element."""
    n = len(window)
    lead = a.shape[: a.ndim - n]
    extents = [(w - 1) * d + 1 for w, d in zip(window, dilation, strict=True)]
    counts = [(m - e) // s + 1 for m, e, s in zip(a.shape[a.ndim - n :], extents, step, strict=True)]
    made = np.empty((*counts, *lead, *window), a.dtype)
    for place in np.ndindex(*counts):
        index = [slice(p * s, p * s + e, d) for p, s, e, d in zip(place, step, extents, dilation, strict=True)]
        made[place] = a[(..., *index)]
    return made


WINDOWS = [
    ((7,), (3,), (1,), (1,)), ((7,), (3,), (2,), (1,)), ((7,), (3,), (2,), (3,)), ((2, 7), (2,), (3,), (2,)),
    ((4, 5), (2, 3), (1, 2), (1, 1)), ((4, 5), (2, 2), (2, 1), (2, 3)), ((2, 4, 4), (2, 2), (1, 1), (2, 1)),
    ((3, 2), (3, 2), (1, 1), (1, 1)), ((0, 3), (2,), (1,), (1,)),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "window", "step", "dilation"), WINDOWS)
def test_windows(shape, window, step, dilation):
    a = np.arange(float(np.prod(shape))).reshape(shape)
    expected = windows(a, window, step, dilation)
    view = wg.sliding_window_view(a, window, step, dilation)
    assert type(view) is np.ndarray
    assert not view.flags.writeable
    assert np.shares_memory(view, a) or a.size == 0
    np.testing.assert_array_equal(view, expected, strict=True)
    check(lambda x: wg.sliding_window_view(x, window, step, dilation), a)
    x = wg.tensor(a)
    y = wg.sliding_window_view(x, list(window), step, dilation)
    assert y.base is x or a.size == 0
    np.testing.assert_array_equal(y.data, expected)


def test_one_step_for_all_axes():
    a = np.arange(30.0).reshape(5, 6)
    np.testing.assert_array_equal(wg.sliding_window_view(a, (2, 2), 2, 3), windows(a, (2, 2), (2, 2), (3, 3)))
    assert wg.sliding_window_view(a.tolist(), np.array([2, 2]), 1).shape == (4, 5, 2, 2)


@pytest.mark.parametrize(
    ("window", "step", "dilation", "error", "match"),
    [
        (3, 1, None, TypeError, "window_shape=3"),
        ((0,), 1, None, TypeError, "window_shape"),
        ((2.0,), 1, None, TypeError, "window_shape"),
        (None, 1, None, TypeError, "window_shape"),
        ((3,), 0, None, ValueError, "step"),
        ((3,), 1.5, None, TypeError, "step"),
        ((3,), (1, 1), None, ValueError, "step"),
        ((3,), 1, -1, ValueError, "dilation"),
        ((3,), 1, (1, 1), ValueError, "dilation"),
        ((8,), 1, None, ValueError, "does not fit"),
        ((3,), 1, 4, ValueError, r"spans \(9,\)"),
        ((1, 1), 1, None, ValueError, "more axes"),
    ],
)
def test_bad_windows(window, step, dilation, error, match):
    with pytest.raises(error, match=match):
        wg.sliding_window_view(np.arange(7.0), window, step, dilation)


# Secant and its kin


@pytest.mark.parametrize(
    ("name", "x", "value", "slope"),
    [
        ("sech", 800.0, 0.0, 0.0),
        ("csch", 800.0, 0.0, 0.0),
        ("csch", -800.0, 0.0, 0.0),
        ("coth", 800.0, 1.0, 0.0),
        ("arcsec", -2.0, 2.0 * np.pi / 3.0, 1.0 / np.sqrt(12.0)),
        ("arccsc", -2.0, -np.pi / 6.0, -1.0 / np.sqrt(12.0)),
        ("arccoth", -2.0, -0.5 * np.log(3.0), -1.0 / 3.0),
        ("arcsec", 1e200, np.pi / 2.0, 0.0),
        ("arccsch", 1e-200, np.log(2.0) + 200.0 * np.log(10.0), -1e200),
        ("arcsech", 1.0, 0.0, -np.inf),
        ("sec", 0.0, 1.0, 0.0),
        ("sech", 0.0, 1.0, 0.0),
        ("arccot", 0.0, np.pi / 2.0, -1.0),
    ],
)
def test_reciprocals_at_the_edges(name, x, value, slope):
    t = wg.tensor(x)
    with np.errstate(divide="ignore"):
        y = getattr(wg, name)(t)
        y.backward()
    np.testing.assert_allclose(y.data, value, rtol=1e-15)
    np.testing.assert_allclose(t.grad, slope, rtol=1e-14)


def test_reciprocals_of_numbers_lists_and_integers():
    assert isinstance(wg.sec(1), wg.Tensor)
    np.testing.assert_allclose(wg.sech([0, 1]).data, 1.0 / np.cosh([0, 1]))
    assert wg.arccsch(np.float32(2.0)).dtype == np.float32
    assert wg.cot(wg.tensor(1.0), constant=True).constant
    assert not wg.cot(1.0, constant=False).constant
    with pytest.raises(InputError, match="works with numbers"):
        wg.sec("a")
    assert wg.grad(lambda x: wg.sum(wg.sec([x, 0.0])))(0.5) == wg.grad(wg.sec)(0.5)
