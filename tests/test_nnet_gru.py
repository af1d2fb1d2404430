"""The gated recurrent unit: by definition, both of its loops, truncation, dropout, and what it refuses."""

# ruff: noqa: NPY002 - the global generator is what is documented

import subprocess
import sys

import numpy as np
import pytest

import wengert as wg
from tests.nnet_cases import gru_parameters
from wengert.nnet import gru
from wengert.nnet.layers import loops

RNG = np.random.default_rng(0)
NAMES = ("Uz", "Wz", "bz", "Ur", "Wr", "br", "Uh", "Wh", "bh")


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def step(x, s, uz, wz, bz, ur, wr, br, uh, wh, bh):
    z = sigmoid(x @ uz + s @ wz + bz)
    r = sigmoid(x @ ur + s @ wr + br)
    h = np.tanh(x @ uh + (r * s) @ wh + bh)
    return (1.0 - z) * h + z * s


def states(x, *parameters, s0):
    made = [s0]
    for now in x:
        made.append(step(now, made[-1], *parameters))
    return np.stack(made)


def drawn(steps, n, channels, hidden):
    return RNG.normal(size=(steps, n, channels)), *gru_parameters(RNG, channels, hidden)


@pytest.mark.parametrize("size", [(3, 2, 3, 4), (9, 2, 3, 4), (9, 1, 1, 1), (5, 30, 2, 20), (1, 2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_states_and_gradients(size, dtype):
    arrays = [a.astype(dtype) for a in drawn(*size)]
    s0 = RNG.normal(size=(size[1], size[3])).astype(dtype)
    tensors = [wg.tensor(a) for a in arrays]
    y = gru(*tensors, s0=s0)
    eps = 200 * np.finfo(dtype).eps
    np.testing.assert_allclose(y.data, states(*arrays, s0=s0), atol=eps)
    assert y.dtype == dtype
    g = RNG.normal(size=y.shape).astype(dtype)
    kept = g.copy()
    y.backward(g)
    np.testing.assert_array_equal(g, kept)
    expected = wg.grad(lambda *a: np.sum(g * states(*a, s0=s0)), tuple(range(10)))(*arrays)
    for t, x in zip(tensors, expected, strict=True):
        assert t.grad.dtype == dtype
        np.testing.assert_allclose(t.grad, x, atol=eps * (1 + np.abs(x).max()))


@pytest.mark.parametrize("loop", [loops.loops_for(50, 8), loops.loops_for(2, 8)], ids=["compiled", "NumPy"])
def test_compiled_or_not(loop, monkeypatch):
    """Both forms of the loops give the same, for arrays of any layout."""
    monkeypatch.setattr("wengert.nnet.layers.recurrence.loops_for", lambda *size: loop)
    arrays = [np.asfortranarray(a) for a in drawn(6, 3, 2, 4)]
    for a in arrays:
        a.flags.writeable = False
    tensors = [wg.tensor(a, copy=False) for a in arrays]
    y = gru(*tensors)
    np.testing.assert_allclose(y.data, states(*arrays, s0=np.zeros((3, 4))), rtol=1e-13, atol=1e-15)
    y.backward(np.broadcast_to(2.0, y.shape))
    expected = wg.grad(lambda *a: 2.0 * np.sum(states(*a, s0=np.zeros((3, 4)))), tuple(range(10)))(*arrays)
    for t, x in zip(tensors, expected, strict=True):
        np.testing.assert_allclose(t.grad, x, rtol=1e-12, atol=1e-13)


def test_small_sizes_alone_are_compiled():
    assert loops.loops_for(50, 32) is not loops.loops_for(3, 32)
    assert loops.loops_for(50, 100_000) == loops.loops_for(3, 32) == (loops.forward, loops.backward)


def test_where_nothing_can_be_kept_on_disk_the_loops_are_compiled_anew():
    code = (
        "import numba, numpy as np\n"
        "real = numba.njit\n"
        "def njit(*args, **options):\n"
        "    if options:\n"
        "        raise RuntimeError('cannot cache function: no locator available')\n"
        "    return lambda *a: print('compiled')\n"
        "numba.njit = njit\n"
        "from wengert.nnet.layers.loops import loops_for\n"
        "loops_for(50, 1)[0]()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "compiled\n"


def test_numba_is_loaded_when_it_is_needed():
    code = "import sys, wengert.nnet; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_first_state():
    arrays = drawn(2, 3, 1, 2)
    zero = gru(*arrays).data
    np.testing.assert_array_equal(zero[0], np.zeros((3, 2)))
    s0 = RNG.normal(size=(3, 2))
    for given in (s0, s0.tolist(), wg.tensor(s0, constant=True)):
        np.testing.assert_array_equal(gru(*arrays, s0=given).data[0], s0)
    np.testing.assert_array_equal(gru(*arrays, s0=s0[0]).data[0], np.stack(3 * [s0[0]]))


def test_the_first_state_is_no_variable():
    arrays = drawn(2, 3, 1, 2)
    with pytest.raises(ValueError, match="s0 is a variable tensor"):
        gru(*arrays, s0=wg.tensor(np.zeros((3, 2))))
    with pytest.raises(ValueError, match="s0 is a variable tensor"):
        wg.grad(lambda s0: np.sum(gru(*arrays, s0=s0)))(np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"s0 must have shape \(3, 2\)"):
        gru(*arrays, s0=np.zeros((3, 5)))


def test_no_steps_and_no_sequences():
    for size in ((0, 2, 3, 4), (3, 0, 3, 4), (9, 0, 3, 4)):
        arrays = [wg.tensor(a) for a in drawn(*size)]
        y = gru(*arrays)
        assert y.shape == (size[0] + 1, size[1], size[3])
        y.backward()
        assert all(a.grad.shape == a.shape and not a.grad.any() for a in arrays)


def test_large_numbers():
    arrays = drawn(5, 1, 2, 3)
    y = gru(1e4 * arrays[0], *arrays[1:])
    assert np.isfinite(y.data).all()
    assert np.isfinite(wg.grad(lambda x: np.sum(gru(x, *arrays[1:])))(1e4 * arrays[0])).all()


def test_integers_and_lists():
    x, *parameters = drawn(3, 2, 3, 4)
    x = np.round(10 * x).astype(int)
    expected = states(x, *parameters, s0=np.zeros((2, 4)))
    np.testing.assert_allclose(gru(x, *parameters).data, expected)
    np.testing.assert_allclose(gru(x.tolist(), *[p.tolist() for p in parameters]).data, expected)


def truncated(x, parameters, depth, t):
    """The state after step ``t`` as a function of its own input and ``depth`` before, from a constant state on."""
    values = states(x, *parameters, s0=np.zeros((x.shape[1], len(parameters[2]))))
    start = max(0, t - depth)

    def state(x, *parameters):
        s = values[start]
        for now in range(start, t + 1):
            s = step(x[now], s, *parameters)
        return s

    return state


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_derivatives_are_carried_back_so_many_steps(depth):
    x, *parameters = drawn(5, 2, 1, 2)
    g = RNG.normal(size=(6, 2, 2))
    value = gru(x, *parameters, bp_lim=depth)
    np.testing.assert_allclose(value.data, gru(x, *parameters).data, rtol=1e-14)
    found = wg.grad(lambda *a: np.sum(g * gru(*a, bp_lim=depth)), tuple(range(10)))(x, *parameters)
    expected = [
        wg.grad(lambda *a, t=t: np.sum(g[t + 1] * truncated(x, parameters, depth, t)(*a)), tuple(range(10)))(
            x, *parameters
        )
        for t in range(5)
    ]
    for k, f in enumerate(found):
        np.testing.assert_allclose(f, sum(e[k] for e in expected), atol=1e-13)


def test_carried_back_all_the_way_they_are_whole():
    arrays = drawn(4, 2, 1, 2)
    found = wg.grad(lambda *a: np.sum(gru(*a, bp_lim=3)), tuple(range(10)))(*arrays)
    expected = wg.grad(lambda *a: np.sum(gru(*a)), tuple(range(10)))(*arrays)
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-11, atol=1e-14)


def test_dropout():
    """The masks are drawn in the order z, r, h, first those of the inputs, then those of the weights."""
    x, uz, wz, bz, ur, wr, br, uh, wh, bh = drawn(3, 2, 3, 4)
    np.random.seed(0)
    tensors = [wg.tensor(a) for a in (x, uz, wz, bz, ur, wr, br, uh, wh, bh)]
    y = gru(*tensors, dropout=0.4)
    y.backward()
    np.random.seed(0)
    mz, mr, mh, nz, nr, nh = [np.random.binomial(1, 0.6, s) / 0.6 for s in 3 * [(2, 4)] + 3 * [(4, 4)]]

    def masked(x, uz, wz, bz, ur, wr, br, uh, wh, bh):
        made = [np.zeros((2, 4))]
        for now in x:
            s = made[-1]
            z = sigmoid((now @ uz) * mz + s @ (wz * nz) + bz)
            r = sigmoid((now @ ur) * mr + s @ (wr * nr) + br)
            h = np.tanh((now @ uh) * mh + (r * s) @ (wh * nh) + bh)
            made.append((1.0 - z) * h + z * s)
        return np.stack(made)

    arrays = [t.data for t in tensors]
    np.testing.assert_allclose(y.data, masked(*arrays), rtol=1e-13, atol=1e-15)
    for t, g in zip(tensors, wg.grad(lambda *a: np.sum(masked(*a)), tuple(range(10)))(*arrays), strict=True):
        np.testing.assert_allclose(t.grad, g, rtol=1e-12, atol=1e-14)
    np.random.seed(0)
    np.testing.assert_allclose(gru(*arrays, dropout=0.4, bp_lim=2).data, y.data, rtol=1e-13)
    np.testing.assert_array_equal(gru(*arrays, dropout=0).data, gru(*arrays).data)


def test_bad_shapes():
    x, *parameters = drawn(3, 2, 3, 4)
    for name, k in zip(NAMES[1:], range(1, 9), strict=True):
        wrong = [*parameters[:k], parameters[k][:-1], *parameters[k + 1 :]]
        with pytest.raises(ValueError, match=f"gru: {name} has shape"):
            gru(x, *wrong)
    for bad in (x[0], x[None]):
        with pytest.raises(ValueError, match=r"must be \(T, N, C\)"):
            gru(bad, *parameters)
    with pytest.raises(ValueError, match="gru: Uz has shape"):
        gru(x[..., :2], *parameters)


def test_bad_settings():
    arrays = drawn(3, 2, 3, 4)
    for wrong in (3, 100, -1, 1.0, "a"):
        with pytest.raises(AssertionError, match="bp_lim must be an integer from 0"):
            gru(*arrays, bp_lim=wrong)
    for wrong in (1, 1.5, -0.1, np.nan):
        with pytest.raises(AssertionError, match="dropout must be at least 0"):
            gru(*arrays, dropout=wrong)
    for wrong in (None, "a"):
        with pytest.raises(TypeError, match="dropout must be a real number"):
            gru(*arrays, dropout=wrong)
