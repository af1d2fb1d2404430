"""Calls of jitted functions: what is traced, what is static, what comes back, when it is compiled anew."""

import pickle
import threading
import warnings
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.core.trees import flatten
from wengert.errors import InputError, OutputError, RecompilationWarning, TraceError


def double(x):
    return 2.0 * x


class Pair(NamedTuple):
    a: object
    b: object


@dataclass
class Layer:
    w: object
    b: object


class Counted:
    """A function that counts how often it is run, which is when it is traced."""

    def __init__(self, f):
        self.f = f
        self.log = []
        self.__name__ = "counted"

    def __call__(self, *args, **kwargs):
        self.log.append(args)
        return self.f(*args, **kwargs)

    @property
    def runs(self):
        return len(self.log)


X = np.array([0.5, -1.0, 2.0])


# Trees


@pytest.mark.parametrize(
    "tree", [{"a": X, "b": [X[0], (2.5,)]}, Pair(X, {"c": X}), Layer(X, 1.5), [], {"x": None, "y": X}]
)
def test_arguments_and_results_are_trees(tree):
    f = wg.jit(lambda t: wg.tree_map(lambda x: x if x is None else x * 2.0, t))
    if tree == []:
        assert f(tree) == []
        return
    found, expected = f(tree), wg.tree_map(lambda x: x if x is None else x * 2.0, tree)
    assert type(found) is type(expected)
    np.testing.assert_equal(vars(found) if isinstance(found, Layer) else found,
                            vars(expected) if isinstance(expected, Layer) else expected)  # fmt: skip


def test_arguments_by_name_and_defaults():
    def f(a, *rest, scale=2.0, **more):
        return a * scale + sum(rest) + more.get("b", 0.0)

    jitted = wg.jit(f)
    for args, kwargs in [((X,), {}), ((X, X, X), {}), ((X,), {"scale": 3.0}), ((X,), {"b": X})]:
        np.testing.assert_allclose(jitted(*args, **kwargs), f(*args, **kwargs))


def test_results_that_are_no_arrays():
    assert wg.jit(lambda x: None)(X) is None
    assert wg.jit(lambda x: ("name", 3, None, {"y": x}))(X)[:3] == ("name", 3, None)
    np.testing.assert_array_equal(wg.jit(lambda x: np.ones(2))(X), np.ones(2))
    with pytest.raises(OutputError, match=r"returned a set"):
        wg.jit(lambda x: {1, 2})(X)


def test_a_constant_result_is_new_at_each_call():
    f = wg.jit(lambda x: np.ones(2))
    f(X)[0] = 5.0
    np.testing.assert_array_equal(f(X), np.ones(2))


# What is traced


def test_python_numbers_are_traced_and_widen_nothing():
    counted = Counted(lambda x, a: x * a)
    f = wg.jit(counted)
    single = X.astype(np.float32)
    for a in (1.5, 2.5, -1.0):
        y = f(single, a)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y, single * a)
    assert counted.runs == 1
    y = f(single, 1j)
    assert y.dtype == np.complex64
    assert counted.runs == 2


def test_a_number_passed_through_stays_one():
    assert type(wg.jit(lambda a: a)(2.5)) is float
    assert type(wg.jit(lambda a: a * 2)(2.5)) is float
    assert type(wg.jit(lambda a: np.sin(a))(2.5)) is np.float64
    assert type(wg.jit(lambda x: np.sum(x))(X)) is np.float64


def test_numpy_scalars_are_traced():
    counted = Counted(lambda x, a: x * a)
    f = wg.jit(counted)
    for a in (np.float32(2.0), np.float32(3.0)):
        np.testing.assert_array_equal(f(X, a), X * a)
    assert counted.runs == 1
    assert f(X.astype(np.float32), np.float64(2.0)).dtype == np.float64


@pytest.mark.parametrize("value", [True, "sum", None, 3, (1, 2), np.float32, np.add])
def test_other_values_are_static(value):
    seen = []
    wg.jit(lambda x, s: (seen.append(s), x)[1])(X, value)
    assert seen == [value]


def test_static_values_tell_calls_apart():
    f = wg.jit(lambda x, flag: x if flag else -x)
    np.testing.assert_array_equal(f(X, True), X)
    np.testing.assert_array_equal(f(X, False), -X)
    np.testing.assert_array_equal(f(X, 0), -X)
    np.testing.assert_array_equal(f(X, 1), X)
    assert f.cache_size == 4


def test_an_integer_that_keeps_changing_is_traced():
    counted = Counted(lambda x, n: x * n)
    f = wg.jit(counted)
    for n in range(12):
        y = f(X.astype(np.float32), n)
        np.testing.assert_array_equal(y, X.astype(np.float32) * n)
        assert y.dtype == np.float32
    assert counted.runs == 3
    assert type(wg.jit(lambda n: n)(3)) is int


def test_an_integer_that_shapes_depend_on_stays_static():
    counted = Counted(lambda x, n: np.sum(np.ones((n, 2))) * x)
    f = wg.jit(counted)
    for n in range(1, 7):
        np.testing.assert_array_equal(f(X, n), 2 * n * X)
    assert f.cache_size == 6


def test_declared_static_arguments():
    def f(x, power, *, function):
        return function(x) ** power

    for jitted in (
        wg.jit(f, static_argnums=1, static_argnames="function"),
        wg.jit(f, static_argnums=(-1,), static_argnames=("function",)),
    ):
        np.testing.assert_allclose(jitted(X, 2.0, function=np.sin), np.sin(X) ** 2)
        np.testing.assert_allclose(jitted(X, power=3.0, function=np.cos), np.cos(X) ** 3)
        np.testing.assert_allclose(jitted(X, 3.0, function=np.cos), np.cos(X) ** 3)
    g = wg.jit(lambda x, flag: x if flag > 0 else -x, static_argnums=1)
    np.testing.assert_array_equal(g(X, -0.5), -X)
    with pytest.raises(TraceError, match=r"static argument 1 is a list"):
        g(X, [1])
    with pytest.raises(ValueError, match=r"static_argnums has 5"):
        wg.jit(double, static_argnums=5)
    with pytest.raises(ValueError, match=r"static_argnames has \['y'\]"):
        wg.jit(double, static_argnames="y")


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({1, 2}, "set, which can't be hashed"),
        (np.ma.array([1.0], mask=[True]), "MaskedArray"),
        (np.array(["a"]), "an array of dtype"),
    ],
)
def test_what_can_be_neither(value, what):
    with pytest.raises(InputError, match=what):
        wg.jit(lambda x, y: x)(X, value)
    with pytest.raises(InputError, match=r"keyword argument \['y'\]"):
        wg.jit(lambda x, y: x)(X, y=value)


# Arrays of any kind


@pytest.mark.parametrize(
    "x",
    [
        np.arange(12.0).reshape(3, 4).T, np.arange(12.0).reshape(3, 4)[:, ::2], np.arange(6.0)[::-1],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(4.0).astype(">f8"),
        np.arange(4.0).astype(np.float16),
        np.arange(4.0) + 1j, np.zeros((0, 3)), np.array(2.5), np.arange(4), np.array([True, False]),
        np.broadcast_to(1.5, (2, 3)), np.arange(6).astype(np.uint8),
    ],
    ids=lambda x: f"{x.dtype}{x.shape}{x.strides}",
)  # fmt: skip
def test_arrays_of_any_kind(x):
    def f(x):
        return np.ravel(x, order="K"), x * 2, np.sum(x), x.T.reshape(-1), x.ravel(order="A")

    for y, z in zip(wg.jit(f)(x), f(x), strict=True):
        np.testing.assert_array_equal(y, z)
        assert y.dtype == z.dtype.newbyteorder("=")
        assert type(y) is type(z) or np.ndim(z) == 0


def test_results_share_memory_with_nothing():
    captured = np.arange(3.0)
    x = np.arange(4.0)
    a, b, c, d = wg.jit(lambda x: (x, x[1:], x, captured))(x)
    arrays = [x, captured, a, b, c, d]
    for i, y in enumerate(arrays):
        assert not any(np.shares_memory(y, z) for z in arrays[i + 1 :])
    a[0] = 7.0
    assert x[0] == 0.0


def test_arguments_are_left_alone():
    def f(x):
        x[0] = 5.0
        x *= 2.0
        return x

    x = np.arange(3.0)
    np.testing.assert_array_equal(wg.jit(f)(x), [10.0, 2.0, 4.0])
    np.testing.assert_array_equal(x, np.arange(3.0))


@pytest.mark.parametrize(
    "x", [np.arange(6.0)[::2], np.arange(6.0).reshape(2, 3).T, np.arange(12.0).reshape(3, 4)[:, ::2]]
)
def test_views_are_those_of_an_array_laid_out_so(x):
    def f(x):
        a, b = x.ravel("F"), x.reshape(-1)
        a[0] = 7.0
        b[1] = 8.0
        return x, a, b

    for y, z in zip(wg.jit(f)(x), f(wg.tensor(x, copy=False, constant=True)), strict=True):
        np.testing.assert_array_equal(y, z.data)


def test_numpy_scalars_do_not_change_in_place():
    def f(x):
        s = np.sum(x)
        t = s
        s += 1.0
        u = x[0]
        v = u
        v *= 2.0
        w = x[...][0:1].reshape(())
        z = w
        z += 1.0
        return s, t, u, v, w, z

    np.testing.assert_array_equal(wg.jit(f)(X), f(X.copy()))


# Compiling anew


def test_shapes_dtypes_and_structures_tell_calls_apart():
    counted = Counted(lambda x: x["a"] * 2.0)
    f = wg.jit(counted)
    for _ in range(2):
        for x in (X, X[:2], X.astype(np.float32), X.reshape(1, 3)):
            np.testing.assert_array_equal(f({"a": x}), x * 2.0)
        f({"a": X, "b": X})
    assert counted.runs == 5
    assert f.cache_size == 5
    f.clear_cache()
    assert f.cache_size == 0
    f({"a": X})
    assert counted.runs == 6


def test_a_warning_after_many_compilations():
    f = wg.jit(double)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in range(40):
            f(np.zeros(n))
    (warning,) = caught
    assert warning.category is RecompilationWarning
    assert "double" in str(warning.message)
    assert "What varies is argument [0] (((0,), dtype('float64')), " in str(warning.message)
    assert warning.filename == __file__


# Kinds of functions


class Model:
    def __init__(self, w):
        self.w = w

    @wg.jit
    def predict(self, x):
        return self.w * x

    def loss(self, x):
        return np.sum(self.w * x)

    def __call__(self, x):
        return self.w + x


def test_methods():
    one, two = Model(np.array([1.0, 2.0, 3.0])), Model(np.array([5.0, 6.0, 7.0]))
    np.testing.assert_array_equal(one.predict(X), one.w * X)
    np.testing.assert_array_equal(two.predict(X), two.w * X)
    bound = wg.jit(one.loss)
    assert bound(X) == one.loss(X)
    one.w = one.w + 1.0
    assert bound(X) == one.loss(X)
    np.testing.assert_array_equal(wg.jit(two)(X), two(X))
    assert isinstance(Model.predict, type(wg.jit(double)))


def test_partials_lambdas_and_decorators():
    np.testing.assert_array_equal(wg.jit(partial(np.add, X))(X), X + X)

    @wg.jit(static_argnums=1)
    def f(x, n):
        """Doc."""
        return sum([x] * n)

    assert f.__doc__ == "Doc."
    assert f.__name__ == "f"
    assert repr(f) == "<jitted f>"
    np.testing.assert_array_equal(f(X, 3), 3 * X)


def test_jitted_functions_call_each_other():
    counted = Counted(lambda x: np.sin(x))
    inner = wg.jit(counted)
    outer = wg.jit(lambda x: inner(x) + inner(2.0 * x))
    np.testing.assert_allclose(outer(X), np.sin(X) + np.sin(2 * X))
    np.testing.assert_allclose(outer(X), np.sin(X) + np.sin(2 * X))
    assert counted.runs == 2

    @wg.jit
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    np.testing.assert_allclose(power(X, 4), X**4)


def test_generators_and_coroutines_are_refused():
    def generator(x):
        yield x

    async def coroutine(x):
        return x

    for f in (generator, coroutine):
        with pytest.raises(TypeError, match=r"runs after the call"):
            wg.jit(f)
    with pytest.raises(OutputError, match=r"returned a generator"):
        wg.jit(lambda x: (a for a in x))(X)
    with pytest.raises(TypeError, match=r"jit takes a function"):
        wg.jit(3)


def test_pickling():
    f = pickle.loads(pickle.dumps(wg.jit(double)))
    np.testing.assert_array_equal(f(X), double(X))


def test_errors_leave_nothing_behind():
    f = wg.jit(lambda x: [][1])
    for _ in range(2):
        with pytest.raises(IndexError):
            f(X)
    np.testing.assert_array_equal(np.sin(wg.tensor(X)).data, np.sin(X))
    assert wg.grad(lambda x: x * x)(3.0) == 6.0
    assert f.cache_size == 0


def test_threads():
    counted = Counted(lambda x: np.tanh(x @ x.T))
    f = wg.jit(counted)
    x = np.random.default_rng(0).normal(size=(5, 5))
    expected = np.tanh(x @ x.T)
    failures = []

    def run():
        for n in range(20):
            y = f(x[: 1 + n % 5])
            if not np.allclose(y, expected[: 1 + n % 5, : 1 + n % 5]):
                failures.append(y)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert counted.runs == 5
    assert f.cache_size == 5


# Derivatives


def loss(w, x):
    return np.sum(np.tanh(w * x) ** 2)


def test_backward_of_a_jitted_function():
    f = wg.jit(lambda w, x: (np.tanh(w * x), np.sum(w)))
    w, x = wg.tensor(X), wg.tensor(X + 1.0)
    y, s = f(w, x)
    (np.sum(y**2) * s).backward()
    v, u = wg.tensor(X), wg.tensor(X + 1.0)
    (np.sum(np.tanh(v * u) ** 2) * np.sum(v)).backward()
    np.testing.assert_allclose(w.grad, v.grad)
    np.testing.assert_allclose(x.grad, u.grad)
    assert isinstance(y, wg.Tensor)


def test_constants_and_suspended_recording():
    f = wg.jit(lambda x: np.sin(x))
    y = f(wg.tensor(X, constant=True))
    assert y.constant
    np.testing.assert_allclose(y.data, np.sin(X))
    with wg.no_autodiff:
        y = f(wg.tensor(X))
    np.testing.assert_allclose(y.data, np.sin(X))
    assert y.creator is None


@pytest.mark.parametrize("f", [
    lambda x: wg.grad(wg.jit(loss))(x, X),
    lambda x: wg.jit(wg.grad(wg.jit(loss)))(x, X),
    lambda x: wg.hvp(wg.jit(lambda w: loss(w, X)), (x,), (X,)),
    lambda x: wg.jacobian(wg.jit(lambda w: np.tanh(w * X)))(x),
    lambda x: wg.hessian(wg.jit(lambda w: loss(w, X)))(x),
    lambda x: wg.grad(lambda v: np.sum(wg.grad(wg.jit(loss))(v, X) ** 2))(x),
    lambda x: wg.grad(lambda v: np.sum(wg.grad(lambda u: np.sum(wg.grad(wg.jit(loss))(u, X) ** 2))(v) ** 2))(x),
    lambda x: wg.jvp(wg.jit(lambda w: (np.tanh(w), np.exp(w) * w)), (x,), (X,)),
    lambda x: wg.vjp(wg.jit(lambda w: {"a": np.tanh(w), "b": w[0].astype("f4")}), x)[1]({"a": X, "b": np.float32(2.0)}),
])  # fmt: skip
def test_nested_transformations(f):
    found = f(X)
    plain, wg_jit = wg.jit, lambda g: g
    try:
        wg.jit = wg_jit
        expected = f(X)
    finally:
        wg.jit = plain
    for y, z in zip(flatten(found)[0], flatten(expected)[0], strict=True):
        np.testing.assert_allclose(y, z, rtol=1e-6)


def test_batches():
    a, b = np.arange(6.0).reshape(2, 3), X
    expected = np.stack([loss(row, b) for row in a])
    np.testing.assert_allclose(wg.vmap(wg.jit(loss), in_axes=(0, None))(a, b), expected)
    np.testing.assert_allclose(wg.jit(wg.vmap(loss, in_axes=(0, None)))(a, b), expected)
    gradients = np.stack([wg.grad(loss)(row, b) for row in a])
    np.testing.assert_allclose(wg.jit(wg.vmap(wg.grad(loss), in_axes=(0, None)))(a, b), gradients)
    np.testing.assert_allclose(wg.vmap(wg.grad(wg.jit(loss)), in_axes=(0, None))(a, b), gradients)


def test_a_captured_variable_gets_its_gradient():
    def outer(jit):
        def f(w):
            g = jit(lambda x: np.sum(w * w * x))
            return g(X) + g(2.0 * X)

        return wg.grad(f)(X)

    np.testing.assert_allclose(outer(wg.jit), outer(lambda g: g))
    w = wg.tensor(X)
    f = wg.jit(lambda x: np.sum(w * x))
    for _ in range(2):
        f(X).backward()
        np.testing.assert_allclose(w.grad, X)


def test_integer_results_beside_others():
    f = wg.jit(lambda x: (np.argmax(x), np.max(x), np.sum(x * x)))
    position, top, total = f(wg.tensor(X))
    assert position == 2
    (top + total).backward()
    g = wg.grad(lambda x: f(x)[2] + f(x)[1])(X)
    np.testing.assert_allclose(g, 2 * X + [0, 0, 1])


# Elements that were not selected


def test_unselected_elements_keep_their_zero():
    def f(x):
        return np.sum(np.where(x > 0, np.sqrt(x), x))

    x = np.array([-1.0, 4.0])
    with np.errstate(all="ignore"):
        expected = wg.grad(f)(x)
        np.testing.assert_array_equal(expected, [1.0, 0.25])
        compiled = wg.jit(wg.grad(f))
        for _ in range(8):
            np.testing.assert_array_equal(compiled(x), expected)
        np.testing.assert_allclose(compiled(np.array([1.0, 4.0])), [0.5, 0.25])
        np.testing.assert_array_equal(wg.grad(wg.jit(f))(x), expected)
        np.testing.assert_array_equal(
            wg.jit(lambda v: wg.hvp(f, (v,), (np.ones(2),)))(x), wg.hvp(f, (x,), (np.ones(2),))
        )
        np.testing.assert_array_equal(wg.hvp(wg.jit(f), (x,), (np.ones(2),)), wg.hvp(f, (x,), (np.ones(2),)))
        root = wg.jit(np.sqrt)
        np.testing.assert_array_equal(wg.grad(lambda v: np.sum(np.where(v > 0, root(v), v)))(x), expected)


SELECTING = [
    lambda x: np.sum(np.where(x > 0, np.sqrt(x), x)),
    lambda x: np.sum(np.where(x > 0, np.log(x), 0.0) * np.where(x < 0, 1.0 / np.sqrt(-x), 2.0)),
    lambda x: np.sum(np.sqrt(np.maximum(x, 0.0)) * np.clip(x, -0.5, 3.0)),
    lambda x: np.max(np.where(x > 0, np.log(x), x)) + np.sum(np.sort(np.where(x > 0, 1 / x, 0.0))[1:]),
    lambda x: np.sum(np.log(x, where=x > 0, out=np.zeros_like(x))),
    lambda x: np.sum(np.where(np.outer(x, x) > 0, np.sqrt(np.outer(x, x)), 0.0) @ np.where(x > 0, np.sqrt(x), 1.0)),
    lambda x: np.sqrt(x[1]) * x[0] + np.where(x[0] > 0, np.arccos(x[0] + 2.0), x[0]),
]


@pytest.mark.parametrize("k", range(len(SELECTING)))
@pytest.mark.parametrize(
    "x", [np.array([-1.0, 4.0, 0.5]), np.array([0.0, 1.0, -2.0]), np.array([1.0, 2.0, 3.0]), np.zeros(3)]
)
def test_unselected_elements_in_compiled_programs(k, x):
    f, t = SELECTING[k], np.array([1.0, -0.5, 2.0])
    with np.errstate(all="ignore"):
        for transformed in (
            wg.value_and_grad(f),
            lambda v: wg.jvp(f, (v,), (t,)),
            lambda v: wg.hvp(f, (v,), (t,)),
            lambda v: wg.grad(lambda u: np.sum(wg.grad(f)(u) * t))(v),
        ):
            compiled = wg.jit(transformed)
            for _ in range(6):  # the first call finds out, later ones know
                for found, expected in zip(flatten(compiled(x))[0], flatten(transformed(x))[0], strict=True):
                    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_careful_form_is_compiled():
    f = wg.jit(wg.grad(SELECTING[0]))
    with np.errstate(all="ignore"):
        f(np.array([-1.0, 4.0]))
    (forms,) = f._forms.values()
    assert forms[0].careful is not None
    assert not forms[0].careful.watched


def test_conditions_are_looked_after():
    f = wg.jit(lambda x, w: np.average(x, weights=w))
    np.testing.assert_allclose(f(X, X), np.average(X, weights=X))
    with pytest.raises(ZeroDivisionError):
        f(X, np.zeros(3))
    np.testing.assert_allclose(f(X, X), np.average(X, weights=X))
    choose = wg.jit(lambda a: np.choose(a, [X[0], X[1]]))
    np.testing.assert_array_equal(choose(np.array([0, 1])), X[:2])
    with pytest.raises(ValueError, match=r"invalid entry in choice array"):  # NumPy's own
        choose(np.array([0, 2]))


# Derivatives that a person has decided on


@wg.custom_gradient
def straight_through(x):
    return np.round(x), lambda g: 3.0 * g


CUT = [
    lambda x: np.sum(x * wg.stop_gradient(x)),
    lambda x: np.sum(x * wg.tensor(x, constant=True)),
    lambda x: np.sum(x * wg.sin(x, constant=True)),
    lambda x: np.sum(x * suspended(x)),
    lambda x: np.sum(straight_through(x * x) * x),
    lambda x: np.sum(wg.nnet.activations.relu(x) * x) + wg.nnet.losses.softmax_crossentropy(x[None], np.array([1])),
]


def suspended(x):
    with wg.no_autodiff:
        return np.sin(x) * 2.0


@pytest.mark.parametrize("f", CUT)
def test_decided_derivatives(f):
    f(X)
    expected = wg.grad(f)(X)
    for transformed in (wg.jit(wg.grad(f)), wg.grad(wg.jit(f)), wg.jit(wg.grad(wg.jit(f)))):
        for _ in range(2):
            np.testing.assert_allclose(transformed(X), expected)
        np.testing.assert_allclose(transformed(X + 0.25), wg.grad(f)(X + 0.25))
    np.testing.assert_allclose(wg.jit(f)(X), float(f(X)))
