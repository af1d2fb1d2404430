"""What a jitted function finds outside itself: arrays, numbers, functions; what is noticed when they change."""

import gc
import random
import weakref

import numpy as np
import pytest

import wengert as wg
from wengert.errors import TraceError

X = np.array([0.5, -1.0, 2.0])
RATE = 0.5
WEIGHTS = np.array([1.0, 2.0, 3.0])
MASK = np.array([True, False, True])


def helper(x):
    return RATE * x


def runs_of(f):
    """``f``, and a list that gets longer each time it is run."""
    log = []

    def logged(*args):
        log.append(None)
        return f(*args)

    return logged, log


# Arrays


@pytest.mark.parametrize(
    "take", [lambda w: w[:3], lambda w: w[1:4], lambda w: w.reshape(5, 1)[1:4, 0], lambda w: w[::-1][:3]]
)
def test_arrays_are_read_anew(take):
    w = np.arange(5.0)
    f, log = runs_of(lambda x: take(w) * x + take(w))
    f = wg.jit(f)
    for _ in range(3):
        np.testing.assert_array_equal(f(X), take(w) * X + take(w))
        w += 1.0
    assert len(log) == 1


def test_arrays_that_are_attributes_elements_and_arguments_of_others():
    class Holder:
        pass

    holder, items = Holder(), [np.ones(3), {"a": np.ones(3)}]
    holder.w = np.ones(3)
    f = wg.jit(lambda x: x * holder.w + items[0] + items[1]["a"])
    for _ in range(2):
        np.testing.assert_array_equal(f(X), X * holder.w + items[0] + items[1]["a"])
        holder.w += 1.0
        items[0] *= 3.0
        items[1]["a"][0] = 7.0


def test_arrays_that_the_function_makes_are_constants():
    def f(x):
        buffer = np.zeros(3)
        buffer[0] = 1.0
        y = x * buffer
        buffer[1] = 2.0
        y = y + x * buffer
        part = buffer[:2]
        z = x[:2] * part
        part[0] = 5.0
        return y, z * part, x * buffer

    jitted = wg.jit(f)
    for _ in range(2):
        for found, expected in zip(jitted(X), f(X), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_constants_computed_from_arrays_follow_them():
    w = np.ones(3)
    f = wg.jit(lambda x: x * (w + 1.0))
    np.testing.assert_array_equal(f(X), 2.0 * X)
    w[...] = 4.0
    np.testing.assert_array_equal(f(X), 5.0 * X)


def test_positions_are_read_anew():
    i = np.array([0, 2])
    f, log = runs_of(lambda x: (x[i], np.take(x, i)))
    f = wg.jit(f)
    for _ in range(2):
        found = f(X)
        np.testing.assert_array_equal(found[0], X[i])
        np.testing.assert_array_equal(found[1], X[i])
        i[...] = [1, 1]
    assert len(log) == 1


@pytest.mark.parametrize(
    "read",
    [
        lambda x, mask: x[mask],
        lambda x, mask: np.compress(mask, x),
        lambda x, mask: np.extract(mask, x),
        lambda x, mask: np.repeat(x, mask.astype(int)),
        lambda x, mask: np.sum(x, where=mask),
        lambda x, mask: np.exp(x, where=mask, out=np.zeros_like(x)),
        lambda x, mask: np.where(mask, x, 0.0),
    ],
)
def test_masks_that_change(read):
    mask = np.array([True, False, True])
    f = wg.jit(lambda x: read(x, mask))
    np.testing.assert_array_equal(f(X), read(X, mask) if read(X, mask).shape != (3,) else f(X))
    mask[1] = True
    found = f(X)
    assert found.shape == np.shape(read(X, mask))
    np.testing.assert_allclose(found, read(X, mask))


def test_tensors_are_read_anew():
    w = wg.tensor(np.ones(3), constant=True)
    f = wg.jit(lambda x: w * x)
    y = f(X)
    assert isinstance(y, wg.Tensor)
    np.testing.assert_array_equal(y.data, X)
    w[0] = 5.0
    np.testing.assert_array_equal(f(X).data, w.data * X)


def test_tensors_that_the_function_makes_are_constants():
    def f(x):
        t = wg.zeros(3)
        t[0] = x[1]
        t[1:] += 2.0
        return x * t, wg.ones(3) * x, np.sum(x * wg.tensor(WEIGHTS))

    jitted = wg.jit(f)
    for _ in range(2):
        for found, expected in zip(jitted(X), f(X), strict=True):
            assert not isinstance(found, wg.Tensor)
            np.testing.assert_array_equal(found, expected)


def test_captures_live_no_longer_than_what_was_compiled():
    w = np.ones(3)
    gone = weakref.ref(w)
    f = (lambda w: wg.jit(lambda x: x * w))(w)
    f(X)
    del w, f
    gc.collect()
    assert gone() is None


# Names that are bound anew


def test_a_number_in_a_closure():
    rate = 0.5
    f, log = runs_of(lambda x: rate * x)
    f = wg.jit(f)
    for rate in (0.5, 0.25, 0.25, float("0.25")):
        np.testing.assert_array_equal(f(X), rate * X)
    assert len(log) == 2


def test_an_array_in_a_closure_need_not_be_compiled_anew():
    w = np.ones(3)
    f, log = runs_of(lambda x: w * x)
    f = wg.jit(f)
    for _ in range(4):
        np.testing.assert_array_equal(f(X), w * X)
        w = w + 1.0
    assert len(log) == 1
    w = np.ones((2, 3))
    np.testing.assert_array_equal(f(X), w * X)
    assert len(log) == 2


def test_a_tensor_in_a_closure_need_not_be_compiled_anew():
    w = wg.tensor(np.ones(3))
    f, log = runs_of(lambda x: np.sum(w * w * x))
    f = wg.jit(f)
    for _ in range(3):
        f(X).backward()
        np.testing.assert_array_equal(w.grad, 2.0 * w.data * X)
        w = wg.tensor(w.data - 0.1 * w.grad)
    assert len(log) == 1
    w = wg.tensor(np.ones(3), constant=True)
    assert f(X).constant
    assert len(log) == 2


def test_views_are_writeable_again_afterwards():
    base = np.ones(4)
    views = base[:2], base[1:]
    first, second = views
    f = wg.jit(lambda x: x * first[0] + second[:1] + base[:1])
    f(X)
    assert all(x.flags.writeable for x in (base, first, second))


def test_globals_also_those_of_helpers(monkeypatch):
    f = wg.jit(lambda x: helper(x) * WEIGHTS)
    np.testing.assert_array_equal(f(X), 0.5 * X * WEIGHTS)
    monkeypatch.setitem(globals(), "RATE", 2.0)
    np.testing.assert_array_equal(f(X), 2.0 * X * WEIGHTS)
    monkeypatch.setitem(globals(), "WEIGHTS", -WEIGHTS)
    np.testing.assert_array_equal(f(X), 2.0 * X * WEIGHTS)
    monkeypatch.setitem(globals(), "helper", lambda x: -x)
    np.testing.assert_array_equal(f(X), -X * WEIGHTS)


def test_closures_within_transformations():
    scale = 2.0

    def loss(x):
        return np.sum(scale * x * x)

    f = wg.jit(wg.value_and_grad(loss))
    np.testing.assert_array_equal(f(X)[1], 2.0 * scale * X)
    scale = 3.0
    np.testing.assert_array_equal(f(X)[1], 2.0 * scale * X)


def test_attributes_of_the_instance():
    class Model:
        def __init__(self):
            self.rate = 1.0

        def scaled(self, x):
            return self.rate * x

        def __call__(self, x):
            return self.scaled(x) + 1.0

    model = Model()
    f, g = wg.jit(model), wg.jit(model.scaled)
    np.testing.assert_array_equal(f(X), X + 1.0)
    np.testing.assert_array_equal(g(X), X)
    model.rate = 3.0
    np.testing.assert_array_equal(f(X), 3.0 * X + 1.0)
    np.testing.assert_array_equal(g(X), 3.0 * X)


def test_what_is_not_seen_is_noticed_in_debug_mode():
    settings = {"rate": 1.0}
    f = wg.jit(lambda x: settings["rate"] * x)
    with wg.debug:
        np.testing.assert_array_equal(f(X), X)
        np.testing.assert_array_equal(f(X), X)
        settings["rate"] = 2.0
        with pytest.raises(TraceError, match=r"would not be compiled as it was.*test_captures.py.*clear_cache"):
            f(X)
        f.clear_cache()
        np.testing.assert_array_equal(f(X), 2.0 * X)


# What a function must not do


def written_by_number(x):
    WEIGHTS[0] = 3.0
    return x * WEIGHTS


def written_by_out(x):
    return np.multiply(x, 2.0, out=WEIGHTS)


@pytest.mark.parametrize("f", [written_by_number, written_by_out])
def test_writes_to_arrays_from_outside(f):
    with pytest.raises(TraceError, match=r"writes to an array that it found outside"):
        wg.jit(f)(X)
    np.testing.assert_array_equal(WEIGHTS, [1.0, 2.0, 3.0])
    assert WEIGHTS.flags.writeable


def test_writes_to_arrays_that_names_do_not_show():
    held = [np.ones(3)]

    def f(x):
        y = x * held[0]
        held[0][1] = 5.0
        return y

    with pytest.raises(TraceError, match=r"writes to an array that it found outside itself.*in f"):
        wg.jit(f)(X)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("value", [7.0, "x"])
def test_writes_to_tensors_from_outside(constant, value):
    t = wg.tensor(np.ones(3), constant=constant)

    def f(x):
        t[0] = x[0] if value == "x" else value
        return t * x

    with pytest.raises(TraceError, match=r"writes to an array that it found outside"):
        wg.jit(f)(X)
    np.testing.assert_array_equal(t.data, np.ones(3))
    assert t.constant is constant
    np.testing.assert_array_equal((t * 2.0).data, 2.0 * np.ones(3))


GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: np.random.normal(size=3),  # noqa: NPY002 - the one in question
        lambda: np.random.rand(),  # noqa: NPY002
        lambda: GENERATOR.normal(size=3),
        lambda: random.random(),
    ],
)
def test_random_numbers(draw):
    with pytest.raises(TraceError, match=r"draws random numbers.*Draw them outside"):
        wg.jit(lambda x: x * draw())(X)
    with pytest.raises(TraceError, match=r"draws random numbers"):
        wg.jit(lambda x, rng: x * rng.normal())(X, np.random.default_rng(1))


def test_random_numbers_of_the_functions_own_generator_are_constants():
    f = wg.jit(lambda x: x * np.random.default_rng(3).normal(size=3))
    np.testing.assert_array_equal(f(X), X * np.random.default_rng(3).normal(size=3))
