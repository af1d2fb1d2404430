"""Convolution, pooling and batch normalization: by definition, ties, and what they refuse."""

from itertools import product

import numpy as np
import pytest

import wengert as wg
from wengert.errors import WengertError
from wengert.nnet import batchnorm, conv_nd, max_pool
from wengert.nnet.initializers import dirac

RNG = np.random.default_rng(0)
GEOMETRIES = {
    "one axis": ((2, 3, 7), (4, 3, 3), {"stride": 2}),
    "two axes": ((2, 3, 5, 4), (2, 3, 3, 2), {"stride": 1}),
    "three axes": ((1, 2, 4, 3, 5), (2, 2, 2, 1, 3), {"stride": (2, 1, 2)}),
    "padding": ((2, 1, 4, 4), (3, 1, 3, 2), {"stride": (1, 2), "padding": (1, 2)}),
    "dilation": ((2, 2, 7, 6), (1, 2, 3, 2), {"stride": 1, "dilation": (2, 3)}),
    "all of them": ((1, 2, 6, 5), (2, 2, 2, 3), {"stride": (3, 2), "padding": (2, 1), "dilation": (3, 1)}),
    "gaps between windows": ((1, 1, 9), (1, 1, 1), {"stride": 4}),
    "no data": ((0, 2, 4), (3, 2, 2), {"stride": 1}),
    "no filters": ((2, 2, 4), (0, 2, 2), {"stride": 1}),
    "no channels": ((2, 0, 4), (3, 0, 2), {"stride": 1}),
}
GEOMETRY = pytest.mark.parametrize(("x_shape", "w_shape", "options"), GEOMETRIES.values(), ids=GEOMETRIES)


def convolved(x, w, stride, padding=0, dilation=1):
    """The convolution, window by window."""
    n = x.ndim - 2
    stride, padding, dilation = [(v,) * n if isinstance(v, int) else v for v in (stride, padding, dilation)]
    x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    counts = [
        (length - (k - 1) * d - 1) // s + 1
        for length, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilation, strict=True)
    ]
    y = np.zeros((len(x), len(w), *counts))
    for place in product(*map(range, counts)):
        window = tuple(
            slice(i * s, i * s + (k - 1) * d + 1, d)
            for i, s, k, d in zip(place, stride, w.shape[2:], dilation, strict=True)
        )
        y[(..., *place)] = np.tensordot(x[(..., *window)], w, (range(1, n + 2), range(1, n + 2)))
    return y


@GEOMETRY
def test_convolution(x_shape, w_shape, options):
    x, w = RNG.normal(size=x_shape), RNG.normal(size=w_shape)
    np.testing.assert_allclose(conv_nd(x, w, **options).data, convolved(x, w, **options), atol=1e-13)


@GEOMETRY
def test_gradients_of_convolution(x_shape, w_shape, options):
    """The convolution is linear in each argument: ⟨g, conv(t, w)⟩ = ⟨pullback by x, t⟩."""
    x, w = wg.tensor(RNG.normal(size=x_shape)), wg.tensor(RNG.normal(size=w_shape))
    y = conv_nd(x, w, **options)
    g = RNG.normal(size=y.shape)
    y.backward(g)
    t, u = RNG.normal(size=x_shape), RNG.normal(size=w_shape)
    np.testing.assert_allclose(np.sum(x.grad * t), np.sum(g * convolved(t, w.data, **options)), atol=1e-12)
    np.testing.assert_allclose(np.sum(w.grad * u), np.sum(g * convolved(x.data, u, **options)), atol=1e-12)


def test_many_data_are_worked_on_in_parts():
    x, w = RNG.normal(size=(70, 2, 40, 40)), RNG.normal(size=(3, 2, 3, 3))
    tensors = wg.tensor(x), wg.tensor(w)
    y = conv_nd(*tensors, stride=1)
    y.backward()
    parts = [conv_nd(x[i : i + 1], w, stride=1).data for i in range(70)]
    np.testing.assert_allclose(y.data, np.concatenate(parts), atol=1e-13)
    by_parts = [wg.grad(lambda x, w: np.sum(conv_nd(x, w, stride=1)), (0, 1))(x[i : i + 1], w) for i in range(70)]
    np.testing.assert_allclose(tensors[0].grad, np.concatenate([g for g, _ in by_parts]), atol=1e-13)
    np.testing.assert_allclose(tensors[1].grad, sum(g for _, g in by_parts), rtol=1e-10)


def test_dirac_filters_pass_data_on():
    x = RNG.normal(size=(2, 3, 5, 5))
    y = conv_nd(x, dirac(3, 3, 3, 3, dtype=float), stride=1, padding=1)
    np.testing.assert_array_equal(y.data, x)


def test_dtypes_of_convolution():
    x, w = np.ones((1, 2, 3)), np.ones((1, 2, 2))
    assert conv_nd(np.float32(x), np.float32(w), stride=1).dtype == np.float32
    assert conv_nd(np.float32(x), w, stride=1).dtype == np.float64
    y = conv_nd(x.astype(int), w.astype(int), stride=1)
    assert y.dtype == np.int64
    assert y.data.tolist() == [[[4, 4]]]
    many = np.ones((1, 1, 4096), np.float16)
    t = wg.tensor(np.ones((1, 1, 1), np.float16))
    conv_nd(many, t, stride=1).backward()
    assert t.grad == 4096.0


def test_bad_shapes_of_convolution():
    x, w = np.ones((2, 3, 7, 6)), np.ones((4, 3, 3, 2))
    for bad_x, bad_w in ((x[0], w), (x, w[0]), (x[..., 0, 0], w[..., 0, 0]), (2.0, 3.0)):
        with pytest.raises(ValueError, match="as many axes each, at least three"):
            conv_nd(bad_x, bad_w, stride=1)
    with pytest.raises(ValueError, match="2 channels"):
        conv_nd(x[:, :2], w, stride=1)
    with pytest.raises(ValueError, match="filters must have elements"):
        conv_nd(x, w[:, :, :0], stride=1)
    for options in ({"stride": 3}, {"stride": 5}, {"stride": 1, "dilation": 4}, {"stride": (3, 2), "padding": (0, 0)}):
        with pytest.raises(ValueError, match="must be a multiple of the stride"):
            conv_nd(x, w, **options)
    with pytest.raises(ValueError, match="must be a multiple of the stride"):
        conv_nd(x, np.ones((4, 3, 8, 2)), stride=1)


@pytest.mark.parametrize(("name", "values"), [("stride", (0, -1)), ("dilation", (0, -1)), ("padding", (-1, -2))])
def test_bad_settings_of_convolution(name, values):
    x, w = np.ones((2, 3, 7, 6)), np.ones((4, 3, 3, 2))
    for wrong in (*values, (values[0], 1), (2,), (1, 1, 1)):
        with pytest.raises(AssertionError, match=name) as caught:
            conv_nd(x, w, **{"stride": 1, name: wrong})
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, WengertError)
    for wrong in (1.5, "a", None, (1.0, 2.0)):
        with pytest.raises(TypeError, match="integer"):
            conv_nd(x, w, **{"stride": 1, name: wrong})
    for good in (np.int64(1), [1, 1], np.array([1, 1])):
        conv_nd(x, w, **{"stride": 1, name: good})


def pooled(x, pool, stride):
    """The pooling, window by window."""
    n = len(pool)
    stride = (stride,) * n if isinstance(stride, int) else stride
    counts = [(length - p) // s + 1 for length, p, s in zip(x.shape[-n:], pool, stride, strict=True)]
    y = np.zeros((*x.shape[:-n], *counts))
    for place in product(*map(range, counts)):
        window = tuple(slice(i * s, i * s + p) for i, s, p in zip(place, stride, pool, strict=True))
        y[(..., *place)] = x[(..., *window)].max(axis=tuple(range(-n, 0)))
    return y


@pytest.mark.parametrize(
    ("shape", "pool", "stride"),
    [
        ((4, 6), (2, 2), 2), ((4, 5), (2, 3), 1), ((2, 3, 7), (3,), 2), ((2, 9), (2,), 7), ((5,), (1,), 4),
        ((2, 3, 4, 5), (2, 3, 2, 2), 1), ((0, 4, 4), (2, 2), 2), ((3, 3), (3, 3), (1, 5)),
    ],
)  # fmt: skip
def test_pooling(shape, pool, stride):
    x = wg.tensor(RNG.permutation(np.prod(shape)).reshape(shape).astype(float))
    y = max_pool(x, pool, stride)
    np.testing.assert_array_equal(y.data, pooled(x.data, pool, stride))
    g = RNG.normal(size=y.shape)
    y.backward(g)
    expected = wg.grad(lambda x: np.sum(g * by_maxima(x, pool, stride, y.shape)))(x.data) if x.size else x.data
    np.testing.assert_allclose(x.grad, expected, atol=1e-14)


def by_maxima(x, pool, stride, shape):
    """The pooling as a stack of ``np.max``, whose derivative is known."""
    n = len(pool)
    stride = (stride,) * n if isinstance(stride, int) else stride
    windows = [
        tuple(slice(i * s, i * s + p) for i, s, p in zip(place, stride, pool, strict=True))
        for place in product(*map(range, shape[len(shape) - n :]))
    ]
    axes = tuple(range(-n, 0))
    return np.reshape(np.stack([np.max(x[(..., *w)], axis=axes) for w in windows], axis=-1), shape)


@pytest.mark.parametrize(("shape", "pool", "stride"), [((4, 4), (2, 2), 2), ((3, 4), (2, 2), 1), ((2, 6), (3,), 3)])
def test_ties_in_pooling_are_split_evenly(shape, pool, stride):
    x = RNG.integers(0, 2, shape).astype(float)
    y = max_pool(x, pool, stride)
    g = RNG.normal(size=y.shape)

    def weighted(x):
        return np.sum(g * max_pool(x, pool, stride))

    expected = wg.grad(lambda x: np.sum(g * by_maxima(x, pool, stride, y.shape)))(x)
    np.testing.assert_allclose(wg.grad(weighted)(x), expected, atol=1e-15)
    units = np.eye(x.size).reshape(x.size, *shape)
    np.testing.assert_allclose([wg.jvp(weighted, (x,), (u,))[1] for u in units], expected.ravel(), atol=1e-15)
    assert not wg.hessian(weighted)(x).any()


def test_a_window_with_a_nan_has_a_nan_for_its_derivative():
    x = wg.tensor([[np.nan, 1.0, 3.0, 3.0], [2.0, 0.0, 1.0, 0.0]])
    max_pool(x, (2, 2), 2).backward()
    np.testing.assert_array_equal(x.grad, [[np.nan, np.nan, 0.5, 0.5], [np.nan, np.nan, 0.0, 0.0]])


def test_what_pooling_drops_stays_zero():
    """The square root's infinite slope at 0 meets a zero that was not selected."""
    np.testing.assert_array_equal(
        wg.grad(lambda x: max_pool(np.sqrt(x), (2,), 1)[0])(np.array([0.0, 4.0])), [0.0, 0.25]
    )


def test_pooling_of_integers():
    y = max_pool(np.arange(9).reshape(3, 3), [2, np.int64(2)], 1)
    assert y.dtype == np.int64
    assert y.data.tolist() == [[4, 5], [7, 8]]
    with pytest.raises(ValueError, match="constant=False"):
        max_pool(np.arange(4), (2,), 2, constant=False)


def test_bad_windows_of_pooling():
    x = np.ones((2, 3, 7, 6))
    for wrong in (2, None, "a", (), (0, 1), (-1, 1), (2.0, 2.0)):
        with pytest.raises(AssertionError, match="pool must be a tuple of positive integers"):
            max_pool(x, wrong, 1)
    with pytest.raises(AssertionError, match="more axes than x has"):
        max_pool(x, (1,) * 5, 1)
    for wrong in (0, -1, (2,), (1, 1, 1), (0, 1)):
        with pytest.raises(AssertionError, match="stride"):
            max_pool(x, (2, 2), wrong)
    with pytest.raises(TypeError, match="integer"):
        max_pool(x, (2, 2), 1.5)
    for pool, stride in (((8, 1), 1), ((2, 2), 2), ((2, 2), 7)):
        with pytest.raises(ValueError, match="must be a multiple of the stride"):
            max_pool(x, pool, stride)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2), (2, 3, 2, 4), (5,)])
def test_batchnorm(shape):
    x = RNG.normal(size=shape)
    count = shape[1] if len(shape) > 1 else 1
    gamma, beta = RNG.normal(size=count), RNG.normal(size=count)
    axes = (0, *range(2, len(shape)))
    lined_up = (-1, *(1,) * (len(shape) - 2)) if len(shape) > 1 else ()
    y = (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + 0.1)
    np.testing.assert_allclose(batchnorm(x, eps=0.1).data, y, rtol=1e-13)
    np.testing.assert_allclose(batchnorm(x, gamma=gamma, eps=0.1).data, y * gamma.reshape(lined_up), rtol=1e-13)
    found = batchnorm(x, gamma=gamma, beta=beta[None], eps=0.1)
    np.testing.assert_allclose(found.data, y * gamma.reshape(lined_up) + beta.reshape(lined_up), rtol=1e-13)
    np.testing.assert_allclose(batchnorm(x, beta=beta, eps=0.1).data, y + beta.reshape(lined_up), rtol=1e-13)


def test_gradients_of_a_normalized_batch_are_orthogonal_to_it():
    """Neither a shift nor, without eps, a scaling of a channel changes anything."""
    x = wg.tensor(RNG.normal(size=(6, 3, 2)))
    y = batchnorm(x, eps=0)
    y.backward(RNG.normal(size=x.shape))
    np.testing.assert_allclose(x.grad.sum(axis=(0, 2)), np.zeros(3), atol=1e-13)
    np.testing.assert_allclose((x.grad * x.data).sum(axis=(0, 2)), np.zeros(3), atol=1e-13)


def test_equal_elements_are_normalized_to_zero():
    x = wg.tensor(np.full((4, 2), 3.0))
    y = batchnorm(x, eps=1e-3)
    np.testing.assert_array_equal(y.data, np.zeros((4, 2)))
    y.backward(np.array([[1.0, 0.0]] + 3 * [[0.0, 0.0]]))
    np.testing.assert_allclose(x.grad[:, 0], np.array([0.75, -0.25, -0.25, -0.25]) / np.sqrt(1e-3))
    with np.errstate(all="ignore"):
        assert np.isnan(batchnorm(np.ones((4, 2)), eps=0).data).all()


def test_large_means_do_not_spoil_the_variance():
    x = RNG.normal(size=(50, 2))
    np.testing.assert_allclose(batchnorm(x + 1e8, eps=0).data, batchnorm(x, eps=0).data, atol=1e-6)


def test_empty_batches():
    for shape in ((0, 3), (3, 0), (0, 3, 2)):
        x = wg.tensor(np.zeros(shape))
        batchnorm(x, gamma=np.ones(shape[1]), eps=0.1).backward()
        assert x.grad.shape == shape


def test_bad_arguments_of_batchnorm():
    x = np.ones((4, 3))
    for name, wrong in (("gamma", np.ones(2)), ("beta", np.ones((4, 3))), ("gamma", 2.0)):
        with pytest.raises(ValueError, match=rf"{name} must have shape \(3,\)"):
            batchnorm(x, **{name: wrong}, eps=0.1)
    with pytest.raises(ValueError, match="eps must not be negative"):
        batchnorm(x, eps=-1.0)
    for wrong in ("a", None):
        with pytest.raises(TypeError, match="eps must be a real number"):
            batchnorm(x, eps=wrong)
    with pytest.raises(TypeError):
        batchnorm(x)
