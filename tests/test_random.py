"""Random tensors come from NumPy's global generator."""

import numpy as np
import pytest

import wengert as wg
from wengert import random

DRAWS = {
    "rand": lambda m: m.rand(2, 3), "randn": lambda m: m.randn(4), "random": lambda m: m.random((2, 2)),
    "random_sample": lambda m: m.random_sample(3), "ranf": lambda m: m.ranf((1,)), "sample": lambda m: m.sample(2),
    "one": lambda m: m.random(), "one of rand": lambda m: m.rand(), "one of randn": lambda m: m.randn(),
    "randint": lambda m: m.randint(0, 9, (2, 3)), "randint below": lambda m: m.randint(5),
    "randint of a dtype": lambda m: m.randint(0, 9, 4, np.int8), "size": lambda m: m.random_sample(size=(2,)),
    "randint by NumPy's name": lambda m: m.randint(3, size=2), "bounds": lambda m: m.randint([1, 10], [3, 12]),
}  # fmt: skip

SHAPED = (random.random, random.random_sample, random.ranf, random.sample, random.rand, random.randn)


@pytest.fixture(autouse=True)
def _generator_is_restored():
    state = np.random.get_state()  # noqa: NPY002 - the global generator is under test
    yield
    np.random.set_state(state)  # noqa: NPY002


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_draws_are_numpys(draw):
    random.seed(1964)
    y = draw(random)
    np.random.seed(1964)  # noqa: NPY002
    z = np.asarray(draw(np.random))
    assert isinstance(y, wg.Tensor)
    assert y.dtype == z.dtype
    assert y.constant == (z.dtype.kind == "i")
    np.testing.assert_array_equal(y.data, z, strict=True)


def test_seed_is_numpys():
    np.random.seed(7)  # noqa: NPY002
    a = random.rand(3)
    random.seed(7)
    np.testing.assert_array_equal(a.data, np.random.rand(3))  # noqa: NPY002
    with pytest.raises(ValueError, match="Seed must be between"):
        random.seed(-1)


@pytest.mark.parametrize("draw", SHAPED, ids=lambda f: f.__name__)
def test_flags(draw):
    assert not draw(2).constant
    assert draw(2, constant=True).constant
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    with pytest.raises(TypeError, match="constant must be"):
        draw(2, constant=1)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_integers_are_constants():
    assert random.randint(3, constant=True).constant
    with pytest.raises(ValueError, match="constant=False"):
        random.randint(3, constant=False)


def test_bad_arguments():
    with pytest.raises(TypeError):
        random.rand((2, 3))
    with pytest.raises(ValueError, match="negative"):
        random.random(-1)
    with pytest.raises(ValueError, match="low >= high"):
        random.randint(3, 1)


def test_gradients_flow_to_what_was_drawn():
    x = random.rand(3)
    wg.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad, 2.0 * x.data)
