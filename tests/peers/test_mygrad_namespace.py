"""Every public callable of MyGrad's top level: the same call has the same value, dtype, constant flag and gradient."""

from types import ModuleType

import mygrad as mg
import numpy as np
import pytest

import wengert as wg
from tests.peers.mygrad_calls import (
    BINARY,
    CALLS,
    PREDICATES,
    REMAINDERS,
    ROUNDING,
    UNARY,
    X,
    assert_same,
    assert_same_gradients,
    described,
    gradients,
)

# Names

INNER = {
    "computational_graph", "execute_op", "indexing_routines", "math", "no_grad_funcs", "operation_base", "tensor_base",
    "tensor_creation", "tensor_manip", "ufuncs",
}  # fmt: skip
"""Modules and functions that only programs with operations of their own name; ``wengert.compat.mygrad`` has them."""

SWITCHES = {
    "mem_guard_active", "mem_guard_off", "mem_guard_on", "no_autodiff", "turn_memory_guarding_off",
    "turn_memory_guarding_on",
}  # fmt: skip
"""Switches for the memory guard and for recording: compared elsewhere."""

CLASSES = {"Tensor", "ufunc"}
UNCOMPARED = {
    "empty": "the values are arbitrary",
    "empty_like": "the values are arbitrary",
    "isnat": "of times, which are no numbers",
    "load": "reads a file",
    "save": "writes a file",
}


def public_names(library=mg):
    return [name for name in dir(library) if not name.startswith("_") and name != "TYPE_CHECKING"]


@pytest.mark.parametrize("name", sorted({*public_names()} - INNER - {"nnet"}))
def test_every_name_resolves(name):
    theirs, ours = getattr(mg, name), getattr(wg, name)
    assert isinstance(ours, ModuleType) == isinstance(theirs, ModuleType)
    assert callable(ours) == callable(theirs)
    if isinstance(theirs, type) and issubclass(theirs, np.generic):
        assert ours is theirs
    if isinstance(theirs, float):
        assert ours == theirs or np.isnan(theirs)


@pytest.mark.parametrize("module", ["linalg", "random", "typing"])
def test_every_name_of_a_module_resolves(module):
    theirs = getattr(mg, module)
    for name in getattr(theirs, "__all__", ["norm"]):
        assert hasattr(getattr(wg, module), name)


def test_every_callable_is_compared():
    callables = {name for name in public_names() if callable(getattr(mg, name)) and not is_dtype(getattr(mg, name))}
    compared = {*CALLS, *UNARY, *BINARY, *PREDICATES, *ROUNDING, *REMAINDERS}
    assert callables - compared - INNER - SWITCHES - CLASSES - {*UNCOMPARED} == set()


def is_dtype(x):
    return isinstance(x, type) and issubclass(x, np.generic)


# Functions


@pytest.mark.parametrize(
    ("name", "call"), [pytest.param(n, c, id=f"{n}-{k}") for n, calls in CALLS.items() for k, c in enumerate(calls)]
)
def test_function(name, call):
    results, grads = [], []
    for library in (wg, mg):
        result, tensors = call.run(library, name)
        parts = list(result) if type(result) in (list, tuple) else [result]
        results.append([described(library, y) for y in parts])
        grads.append(gradients(library, parts, tensors))
    assert len(results[0]) == len(results[1])
    for found, expected in zip(*results, strict=True):
        assert_same(found, expected)
    for found, expected in zip(*grads, strict=True):
        assert_same_gradients(found, expected)


# Documented differences


def test_default_dtype_is_numpys():
    for create in ("zeros", "ones", "empty"):
        assert getattr(wg, create)(2).dtype == np.float64
        assert getattr(mg, create)(2).dtype == np.float32


def test_like_plain_floats_is_a_variable():
    for like in ("zeros_like", "ones_like", "empty_like"):
        assert not getattr(wg, like)(X).constant
        assert getattr(mg, like)(X).constant


def test_lists_of_tensors_are_recorded():
    for library, recorded in ((wg, True), (mg, False)):
        x = library.tensor(1.0)
        assert library.sum([x, x]).constant != recorded


def test_vertical_inverses_have_infinite_derivatives():
    for library, slope in ((wg, np.inf), (mg, 0.0)):
        x = library.tensor(1.0)
        with np.errstate(divide="ignore"):  # MyGrad's
            library.arcsec(x).backward()
        assert x.grad == slope


def test_windows_that_fit_exactly_are_allowed():
    assert wg.sliding_window_view(np.arange(7), (3,), 1, 3).shape == (1, 3)
    with pytest.raises(ValueError, match="must fit"):
        mg.sliding_window_view(np.arange(7), (3,), 1, 3)


# Files and random numbers


def test_files(tmp_path):
    for library in (mg, wg):
        x = library.tensor(X)
        library.sum(x * x).backward()
        library.save(tmp_path / f"{library.__name__}.npz", x)
    for library in (mg, wg):
        for written_by in (mg, wg):
            x = library.load(tmp_path / f"{written_by.__name__}.npz")
            np.testing.assert_array_equal(x.data, X)
            np.testing.assert_array_equal(x.grad, 2.0 * X)


@pytest.mark.parametrize(
    "draw",
    [
        lambda r: r.rand(2, 3),
        lambda r: r.rand(),
        lambda r: r.randn(3, constant=True),
        lambda r: r.random((2,)),
        lambda r: r.random_sample(3),
        lambda r: r.ranf(),
        lambda r: r.sample((2, 1), constant=False),
        lambda r: r.randint(5),
        lambda r: r.randint(1, 5, (2, 3)),
        lambda r: r.randint(1, 5, shape=2, dtype=np.int8),
    ],
)
def test_random(draw):
    state = np.random.get_state()  # noqa: NPY002 - the global generator is meant
    drawn = []
    for library in (wg, mg):
        library.random.seed(3)
        drawn.append(described(library, draw(library.random)))
    np.random.set_state(state)  # noqa: NPY002
    assert_same(*drawn)
