"""MyGrad's networks and wengert's: the same values and gradients for drawn arguments, and where they differ.

wengert differs from MyGrad 2.5 in the following, each of which has a test below or in ``tests/test_nnet_*.py``.

===================================  =====================================  ======================================
point                                MyGrad                                 wengert
===================================  =====================================  ======================================
ties in ``max_pool``                 the first takes all                    split evenly
margins that are met exactly         0                                      1/2, as of ``np.maximum``
dtype of float32 arguments           often float64                          float32
``slope``, ``alpha``, ``weights``    plain numbers, also if tensors         differentiated with respect to
softmax of equal infinities          NaN                                    equal shares
``gru(bp_lim=)``                     derivatives grow with the limit        those of the steps it leaves
cotangent given to ``gru``           is overwritten                         stays as it is
``glorot_normal`` of filters         counts the last axis of a window       counts all axes of a window
``he_uniform``                       inverts the number of inputs           as in the paper
===================================  =====================================  ======================================
"""

# ruff: noqa: NPY002 - the global generator is what both draw from

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import mygrad as mg
import mygrad.nnet
import numpy as np
import pytest
from hypothesis import assume, given, settings

import wengert as wg
from tests.nnet_cases import gru_parameters
from wengert import nnet

ROUNDING = 1e-10


def compare(ours, theirs, *arrays, seed=0):
    """Assert that two functions of arrays have the same value and gradients. Returns the value."""
    mine, yours = [wg.tensor(x) for x in arrays], [mg.tensor(x) for x in arrays]
    y, z = ours(*mine), theirs(*yours)
    assert y.shape == z.shape
    assert y.constant == z.constant
    np.testing.assert_allclose(y.data, z.data, rtol=ROUNDING, atol=ROUNDING)
    g = np.random.default_rng(seed).normal(size=y.shape)
    y.backward(g)
    z.backward(g.copy())
    for t, u in zip(mine, yours, strict=True):
        assert t.grad.dtype == u.grad.dtype
        np.testing.assert_allclose(
            t.grad, u.grad, rtol=ROUNDING, atol=ROUNDING * (1.0 + np.abs(u.grad).max(initial=0.0))
        )


def arrays(*shape, low=-30.0, high=30.0):
    elements = st.one_of(st.integers(-2, 2).map(float), st.floats(low, high))
    shapes = st.just(shape) if shape else hnp.array_shapes(min_dims=0, max_dims=3, max_side=4)
    return shapes.flatmap(lambda s: hnp.arrays(float, s, elements=elements))


NUMBERS = st.one_of(st.integers(-2, 2), st.floats(-3.0, 3.0))
ELEMENTWISE = ["relu", "selu", "sigmoid", "soft_sign", "hard_tanh"]


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(x=arrays())
def test_activations(name, x):
    compare(getattr(nnet, name), getattr(mygrad.nnet, name), x)


@given(x=arrays(), number=NUMBERS)
def test_activations_with_a_parameter(x, number):
    compare(lambda x: nnet.elu(x, number), lambda x: mygrad.nnet.elu(x, number), x)
    compare(lambda x: nnet.leaky_relu(x, number), lambda x: mygrad.nnet.leaky_relu(x, number), x)


@given(x=arrays(), low=st.floats(-3.0, 0.0), high=st.floats(0.0, 3.0))
def test_hard_tanh(x, low, high):
    bounds = {"lower_bound": low, "upper_bound": high}
    compare(lambda x: nnet.hard_tanh(x, **bounds), lambda x: mygrad.nnet.hard_tanh(x, **bounds), x)


@given(x=hnp.array_shapes(max_dims=3, max_side=4).flatmap(lambda s: arrays(*s)), data=st.data())
def test_softmax(x, data):
    axis = data.draw(st.one_of(st.none(), st.integers(-x.ndim, x.ndim - 1), hnp.valid_tuple_axes(x.ndim)))
    compare(lambda x: nnet.softmax(x, axis), lambda x: mygrad.nnet.softmax(x, axis), x)
    compare(lambda x: nnet.logsoftmax(x, axis), lambda x: mygrad.nnet.logsoftmax(x, axis), x)


@given(shape=hnp.array_shapes(max_dims=3, max_side=3), data=st.data())
def test_glu(shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    lengths = [2 * n if i == axis % len(shape) else n for i, n in enumerate(shape)]
    x = data.draw(arrays(*lengths))
    compare(lambda x: nnet.glu(x, axis), lambda x: mygrad.nnet.glu(x, axis), x)


@st.composite
def scores(draw, low=-30.0, high=30.0):
    n, classes = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    labels = draw(hnp.arrays(int, n, elements=st.integers(-classes, classes - 1)))
    return draw(arrays(n, classes, low=low, high=high)), labels


@given(drawn=scores(), data=st.data())
def test_likelihoods(drawn, data):
    x, labels = drawn
    compare(lambda x: nnet.softmax_crossentropy(x, labels), lambda x: mygrad.nnet.softmax_crossentropy(x, labels), x)
    for weights in (None, data.draw(arrays(x.shape[1]))):
        compare(
            lambda x, w=weights: nnet.negative_log_likelihood(x, labels, weights=w),
            lambda x, w=weights: mygrad.nnet.negative_log_likelihood(x, labels, weights=w),
            x,
        )


@given(drawn=scores(), alpha=NUMBERS, gamma=st.one_of(st.sampled_from([0, 1, 2]), st.floats(0.1, 4.0)))
def test_focal_losses(drawn, alpha, gamma):
    x, labels = drawn
    options = {"alpha": alpha, "gamma": gamma}
    p = np.exp(0.1 * x) / np.exp(0.1 * x).sum(axis=1, keepdims=True)
    compare(lambda p: nnet.focal_loss(p, labels, **options), lambda p: mygrad.nnet.focal_loss(p, labels, **options), p)
    compare(
        lambda x: nnet.softmax_focal_loss(x, labels, **options),
        lambda x: mygrad.nnet.softmax_focal_loss(x, labels, **options),
        0.1 * x,
    )


SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
"""What makes numbers that are never equal: at ties the two libraries differ."""


@given(rng=SEEDS, n=st.integers(1, 4), classes=st.integers(1, 4), hinge=st.floats(-1.0, 3.0))
def test_hinge(rng, n, classes, hinge):
    x, labels = rng.normal(size=(n, classes)), rng.integers(-classes, classes, n)
    ours, theirs = nnet.multiclass_hinge, mygrad.nnet.multiclass_hinge
    compare(lambda x: ours(x, labels, hinge), lambda x: theirs(x, labels, hinge), x)


@given(rng=SEEDS, shape=hnp.array_shapes(max_dims=2, max_side=4), margin=st.floats(0.0, 3.0), data=st.data())
def test_ranking(rng, shape, margin, data):
    signs = st.sampled_from([1, -1])
    y = data.draw(st.one_of(signs, st.lists(signs, min_size=shape[0], max_size=shape[0]).map(np.array)))
    ours, theirs = nnet.margin_ranking_loss, mygrad.nnet.margin_ranking_loss
    a, b = rng.normal(size=(2, *shape))
    compare(lambda a, b: ours(a, b, y, margin), lambda a, b: theirs(a, b, y, margin), a, b)


@given(rng=SEEDS, data=st.data())
@settings(max_examples=50)
def test_convolution(rng, data):
    n = data.draw(st.integers(1, 3))
    counts, window, stride, dilation = [data.draw(st.tuples(*n * [st.integers(1, 3)])) for _ in range(4)]
    padding = data.draw(st.tuples(*n * [st.integers(0, 1)]))
    lengths = [
        (k - 1) * d + 1 + s * (c - 1) - 2 * p
        for c, k, s, d, p in zip(counts, window, stride, dilation, padding, strict=True)
    ]
    assume(min(lengths) > 0)
    spare = [m + 2 * p - k * d for m, k, d, p in zip(lengths, window, dilation, padding, strict=True)]
    assume(min(spare) >= 0)  # MyGrad asks for room behind the last element, as if another one followed it
    batch, channels, filters = data.draw(st.tuples(*3 * [st.integers(1, 3)]))
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    compare(
        lambda x, w: nnet.conv_nd(x, w, **options),
        lambda x, w: mygrad.nnet.conv_nd(x, w, **options),
        rng.normal(size=(batch, channels, *lengths)),
        rng.normal(size=(filters, channels, *window)),
    )


@given(rng=SEEDS, data=st.data())
@settings(max_examples=50)
def test_pooling(rng, data):
    n = data.draw(st.integers(1, 3))
    counts, pool, stride = [data.draw(st.tuples(*n * [st.integers(1, 3)])) for _ in range(3)]
    rest = data.draw(st.lists(st.integers(1, 3), max_size=2))
    shape = (*rest, *[p + s * (c - 1) for c, p, s in zip(counts, pool, stride, strict=True)])
    x = rng.normal(size=shape)
    compare(lambda x: nnet.max_pool(x, pool, stride), lambda x: mygrad.nnet.max_pool(x, pool, stride), x)


@given(
    rng=SEEDS,
    shape=hnp.array_shapes(min_dims=2, max_dims=4, min_side=2, max_side=4),
    given_=st.tuples(st.booleans(), st.booleans()),
)
def test_batch_normalization(rng, shape, given_):
    names = [name for name, wanted in zip(("gamma", "beta"), given_, strict=True) if wanted]
    compare(
        lambda x, *p: nnet.batchnorm(x, **dict(zip(names, p, strict=True)), eps=1e-2),
        lambda x, *p: mygrad.nnet.batchnorm(x, **dict(zip(names, p, strict=True)), eps=1e-2),
        rng.normal(size=shape),
        *[rng.normal(size=shape[1]) for _ in names],
    )


@given(
    rng=SEEDS,
    size=st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
    dropout=st.sampled_from([0.0, 0.3]),
)
@settings(max_examples=20)
def test_gated_recurrent_units(rng, size, dropout):
    steps, n, channels, hidden = size
    s0 = rng.normal(size=(n, hidden))

    def seeded(f):
        def call(*arrays):
            np.random.seed(1)
            return f(*arrays, s0=s0, dropout=dropout)

        return call

    x = rng.normal(size=(steps, n, channels))
    compare(seeded(nnet.gru), seeded(mygrad.nnet.gru), x, *gru_parameters(rng, channels, hidden))


INITIALIZERS = {
    "constant": [{}, {"value": 2.5}, {"value": 3}],
    "dirac": [{}],
    "glorot_normal": [{}, {"gain": 2}],
    "glorot_uniform": [{}, {"gain": 2}],
    "he_normal": [{}, {"gain": 2}],
    "normal": [{}, {"mean": 1, "std": 2}],
    "uniform": [{}, {"lower_bound": -3, "upper_bound": 2}],
}


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("shape", [(4, 3), (5, 2, 3), (2, 3, 3, 3)])
def test_initializers(name, shape):
    if name == "glorot_normal":
        shape = shape[:2]
    for options in INITIALIZERS[name]:
        for dtype in (np.float32, np.float64):
            np.random.seed(0)
            x = getattr(nnet, name)(*shape, **options, dtype=dtype)
            np.random.seed(0)
            y = getattr(mygrad.nnet, name)(*shape, **options, dtype=dtype)
            assert (x.dtype, x.constant) == (y.dtype, y.constant)
            np.testing.assert_allclose(x.data, y.data, rtol=1e-6 if dtype is np.float32 else 1e-14)


def gradient_of(library, f, x):
    x = library.tensor(x)
    f(library, x).backward()
    return x.grad


def test_differences():
    tied = np.array([[2.0, 2.0]])
    pool = lambda library, x: (nnet if library is wg else mygrad.nnet).max_pool(x, (2,), 1)  # noqa: E731
    np.testing.assert_array_equal(gradient_of(mg, pool, tied), [[1.0, 0.0]])
    np.testing.assert_array_equal(gradient_of(wg, pool, tied), [[0.5, 0.5]])
    hinge = lambda library, x: (nnet if library is wg else mygrad.nnet).multiclass_hinge(x, [0], 0.0)  # noqa: E731
    np.testing.assert_array_equal(gradient_of(mg, hinge, tied), [[0.0, 0.0]])
    np.testing.assert_array_equal(gradient_of(wg, hinge, tied), [[-0.5, 0.5]])
    single = np.zeros(2, np.float32)
    assert (mygrad.nnet.soft_sign(single).dtype, nnet.soft_sign(single).dtype) == (np.float64, np.float32)
