"""Views and in-place updates: values as NumPy's, derivatives those of the program as executed."""

import sys

import numpy as np
import pytest

import wengert as wg
from tests.programs import Program, plain
from wengert.errors import ConversionError, InputError

A = np.array([1.0, -2.0, 3.0, 0.5])
M = np.arange(1.0, 7.0).reshape(2, 3)


# Random programs, against NumPy itself and against derivatives of NumPy's own run of them


def along(program, x, direction):
    """The derivative of the program along a direction, by a complex step: exact to rounding."""
    return np.imag(program(x + 1e-30j * direction)) / 1e-30


class Trial:
    """A random program, a point, and two directions."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.program = Program(seed)
        self.x, self.v, self.w = rng.normal(size=(3, *self.program.shape))
        self.first = along(self.program, self.x, self.v)
        h = 1e-5
        ahead, behind = (along(self.program, self.x + s * self.w, self.v) for s in (h, -h))
        self.second = None if "fixed" in repr(self.program) else (ahead - behind) / (2 * h)

    def check_first(self, derivative):
        assert derivative == pytest.approx(self.first, rel=1e-9, abs=1e-9), self.program

    def check_second(self, derivative):
        if self.second is None:  # what is fixed changes with the point, which differences see
            return
        assert derivative == pytest.approx(self.second, rel=1e-5, abs=1e-5), self.program


trials = pytest.mark.parametrize("trial", [pytest.param(Trial(seed), id=str(seed)) for seed in range(150)])


@trials
def test_values_are_numpys(trial):
    expected = trial.program.variables(trial.x.copy())
    found = trial.program.variables(np.copy(wg.tensor(trial.x)))
    assert found.keys() == expected.keys()
    for name, y in expected.items():
        np.testing.assert_allclose(
            np.asarray(found[name]), y, rtol=1e-11, atol=1e-12, err_msg=f"{name} of {trial.program}"
        )


@trials
def test_backward(trial):
    x = wg.tensor(trial.x)
    y = trial.program(np.copy(x))
    y.backward()
    trial.check_first(0.0 if x.grad is None else np.sum(x.grad * trial.v))


@trials
def test_grad(trial):
    x = trial.x.copy()
    trial.check_first(np.sum(wg.grad(trial.program)(x) * trial.v))
    np.testing.assert_array_equal(x, trial.x)


@trials
def test_jvp(trial):
    x = trial.x.copy()
    trial.check_first(wg.jvp(trial.program, (x,), (trial.v,))[1])
    np.testing.assert_array_equal(x, trial.x)


@trials
def test_hvp(trial):
    trial.check_second(np.sum(wg.hvp(trial.program, (trial.x,), (trial.v,)) * trial.w))


@trials
def test_reverse_over_reverse(trial):
    def slope(x):
        return np.sum(wg.grad(trial.program)(x) * trial.v)

    trial.check_second(np.sum(wg.grad(slope)(trial.x) * trial.w))


@trials
def test_plain_arrays_are_as_they_were(trial):
    plains = plain(trial.program.shape)
    arrays = [*plains.values(), *[x.base for x in plains.values() if isinstance(x.base, np.ndarray)]]
    flags, values = [x.flags.writeable for x in arrays], [x.copy() for x in arrays]
    program = trial.program
    for run in (
        lambda: program.variables(wg.tensor(trial.x), plains),
        lambda: program(wg.tensor(trial.x), plains).backward(),
        lambda: wg.grad(program)(trial.x, plains),
        lambda: wg.vjp(lambda z: program(z, plains), trial.x),
        lambda: wg.jvp(lambda z: program(z, plains), (trial.x,), (trial.v,)),
        lambda: wg.hvp(lambda z: program(z, plains), (trial.x,), (trial.v,)),
        lambda: wg.no_autodiff(program)(wg.tensor(trial.x), plains),
    ):
        run()
        assert [x.flags.writeable for x in arrays] == flags
    for x, value in zip(arrays, values, strict=True):
        np.testing.assert_array_equal(x, value)


# What NumPy's views are


def test_update_of_a_view_changes_its_base():
    def f(x):
        y = x[:2]
        y *= -1
        return np.sum(x**2 * np.arange(4.0)) + np.sum(x)

    np.testing.assert_allclose(wg.grad(f)(A), 2 * A * np.arange(4.0) + [-1, -1, 1, 1])


def test_update_of_the_base_changes_a_view_of_a_view():
    def f(x):
        y = x[1:][::-1]
        x[-1] = x[0] * x[0]
        return np.sum(y * [1.0, 10.0, 100.0])

    np.testing.assert_allclose(wg.grad(f)(A), [2 * A[0], 100, 10, 0])


@pytest.mark.parametrize(
    ("view", "is_view"),
    [
        (lambda x: x.reshape(-1), True),
        (lambda x: x.T.reshape(-1), False),
        (lambda x: x.T.ravel("F"), True),
        (lambda x: x[:, ::2].ravel(), False),
        (lambda x: x[:, ::2].T, True),
        (lambda x: x[[0, 1]], False),
        (lambda x: x[x > -9], False),
        (lambda x: np.atleast_1d(x), True),
        (lambda x: np.atleast_3d(x), True),
        (lambda x: np.split(x, 3, axis=1)[2], True),
        (lambda x: np.rot90(x), True),
        (lambda x: np.take(x, [0], axis=0), False),
        (lambda x: x.copy(), False),
        (lambda x: x.flatten(), False),
        (lambda x: x.astype(x.dtype), False),
        (lambda x: x.astype(x.dtype, copy=False), True),
        (lambda x: np.broadcast_arrays(x, x)[1], True),
        (lambda x: x[..., None], True),
        (lambda x: x[()], True),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_is_a_view_and_what_a_copy(view, is_view, order):
    def f(x):
        view(x)[...] = 0.0
        return np.sum(x)

    plain = np.array(M, order=order)
    expected = f(plain.copy(order="K"))
    assert f(np.copy(wg.tensor(plain))).data == expected
    assert wg.value_and_grad(f)(plain)[0] == expected
    if order == "C":
        assert (expected != M.sum()) == is_view


@pytest.mark.parametrize(
    "update", ["x *= 2", "x[0] = 1.0", "x[...] = M.T.copy().T", "x[:] = x + M.T.copy().T", "x.T[...] = 1.0"]
)
@pytest.mark.parametrize(
    "arrange", [np.asfortranarray, np.ascontiguousarray, lambda x: np.repeat(x, 2, axis=1)[:, ::2]]
)
def test_an_update_keeps_the_layout_and_so_what_later_views_are(update, arrange):
    def f(x):
        exec(update, {"M": M}, {"x": x})  # noqa: S102 - a line from the list above
        flat = x.reshape(-1)
        flat[1] = 100.0
        return np.sum(x * M)

    value = f(arrange(M).copy("K") if arrange is not None else M)
    made = wg.tensor(arrange(M), copy=False)
    assert float(f(+made)) == pytest.approx(f(+arrange(M)))
    assert wg.value_and_grad(f)(arrange(M).copy("K"))[0] == pytest.approx(value)


def test_data_of_a_view_shares_memory_with_its_base():
    x = wg.tensor(M)
    y = x[0]
    y[1] = 7.0
    x *= 2.0
    assert np.shares_memory(x.data, y.data)
    assert y.base is x
    np.testing.assert_array_equal(y.data, x.data[0])


def test_grad_of_a_view_is_a_view_of_its_bases_grad():
    x = wg.tensor(A)
    y = x[:2]
    np.sum(x * x).backward()
    np.testing.assert_array_equal(y.grad, 2 * A[:2])
    assert np.shares_memory(y.grad, x.grad)


def test_a_view_leads_to_its_base_in_every_new_graph():
    x = wg.tensor(A)
    y = x[:2]
    for scale in (1.0, 2.0):
        np.sum(scale * y * y).backward()
        np.testing.assert_array_equal(x.grad, [*(2 * scale * A[:2]), 0, 0])
    np.sum(x).backward()
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, [1, 1, 0, 0])


def test_a_long_chain_of_views():
    depth = 2 * sys.getrecursionlimit()

    def f(x):
        y = x
        for _ in range(depth):
            y = y[:]
        y *= 3.0
        return np.sum(x * x)

    np.testing.assert_allclose(wg.grad(f)(A), 18 * A)


@pytest.mark.parametrize(
    "view",
    [
        np.diagonal,
        lambda x: np.broadcast_to(x, (3, 2, 3)),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=1),
        lambda x: np.diagonal(x)[:1],
    ],
)
def test_views_that_numpy_makes_read_only(view):
    def f(x):
        with pytest.raises(ValueError, match="read-only"):
            view(x)[...] = 1.0
        return np.sum(x * x)

    f(M.copy())
    np.testing.assert_array_equal(wg.grad(f)(M), 2 * M)


# Conventions


def test_24_update_of_a_value_that_a_rule_has_saved():
    def f(x):
        y = np.exp(x)
        y += 1
        return np.sum(y * y)

    np.testing.assert_allclose(wg.grad(f)(A), 2 * (np.exp(A) + 1) * np.exp(A))


def test_25_another_name_for_an_array_sees_its_updates():
    def f(x):
        y = x
        x += 1
        return np.sum(y * y)

    np.testing.assert_allclose(wg.grad(f)(A), 2 * (A + 1))
    x = wg.tensor(A)
    y = x
    y += 1
    assert y is x
    np.testing.assert_array_equal(x.data, A + 1)


def test_25_numbers_do_not_change_in_place():
    def f(x):
        s = np.sum(x)
        t = s
        s += np.sum(x * x)
        return s * t

    value, gradient = wg.value_and_grad(f)(A)
    assert value == f(A)
    np.testing.assert_allclose(gradient, 2 * np.sum(A) + np.sum(A * A) + np.sum(A) * 2 * A)


def test_25_zero_dimensional_arrays_do():
    def f(x):
        y = x
        x += 1.0
        return x * y

    assert wg.grad(f)(np.array(3.0)) == 8.0
    assert wg.grad(f)(3.0) == 7.0  # a number is not changed: y stays 3
    x = wg.tensor(3.0)
    y = x[...]
    x *= 2.0
    assert y.data == 6.0


def test_26_update_of_a_leaf():
    x = wg.tensor(A)
    x *= 3.0
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad, 6 * A)
    x[...] = 1.0
    assert not x.constant
    assert x.grad is None
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad, 2 * np.ones(4))


def test_27_duplicates_in_a_gather_sum():
    index = np.array([[0, 1], [1, 1]])
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x[index]))(A), [1, 3, 0, 0])
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(np.take(x, index)))(A), [1, 3, 0, 0])
    value, tangent = wg.jvp(lambda x: x[index], (A,), (A,))
    np.testing.assert_array_equal(value, tangent)


def test_27_duplicates_sum_in_single_precision_for_half_precision():
    x = np.ones(2, np.float16)
    gradient = wg.grad(lambda x: np.sum(x[np.zeros(4096, int)].astype(np.float32)))(x)
    assert gradient.dtype == np.float16
    assert gradient[0] == 4096


def test_27_of_repeated_writes_the_last_counts():
    def f(x, v):
        x[[0, 2, 0]] = v
        return np.sum(x * [1.0, 10.0, 100.0, 1000.0])

    v = np.array([5.0, 6.0, 7.0])
    by_x, by_v = wg.grad(f, (0, 1))(A, v)
    np.testing.assert_array_equal(by_x, [0, 10, 0, 1000])
    np.testing.assert_array_equal(by_v, [0, 100, 1])


@pytest.mark.parametrize("index", [4, -5, (0, 0), [0, 4], (slice(None), 1), np.array([True, False])])
def test_28_index_out_of_range(index):
    with pytest.raises(IndexError):
        wg.tensor(A)[index]
    x = wg.tensor(A)
    with pytest.raises(IndexError):
        x[index] = 1.0
    np.testing.assert_array_equal(x.data, A)
    with pytest.raises(IndexError):
        wg.grad(lambda x: x[index])(A)


# Indices


def test_an_index_array_may_be_changed_after_its_use():
    def f(x, change):
        positions, mask, sequence = np.array([0, 1]), np.array([True, False, True, False]), [2, 3]
        y = np.sum(x[positions] ** 2) + np.sum(x[mask] ** 2) + np.sum(x[sequence]) + np.sum(np.take(x, positions))
        x[positions] = 2 * x[:2]
        if change:
            positions[:], mask[:], sequence[0] = 3, True, 0
        return y + np.sum(x)

    expected = wg.grad(lambda x: f(x, change=False))(A)
    np.testing.assert_array_equal(wg.grad(lambda x: f(x, change=True))(A), expected)


def test_tensors_of_integers_are_indices():
    i, k = wg.tensor([2, 0, 0]), wg.tensor(1)

    def f(x):
        j = x.astype(int) * 0 + 1
        return np.sum(x[i]) + 10 * x[k] + np.sum(x[k:]) + 100 * np.sum(x[j]) + np.sum(x[[k, wg.tensor(2)]])

    np.testing.assert_array_equal(wg.grad(f)(A), [2, 10 + 1 + 400 + 1, 1 + 1 + 1, 1])


def test_a_float_is_no_index():
    with pytest.raises(IndexError, match="float64"):
        wg.tensor(A)[wg.tensor([0.0])]


# Writes that would lose a gradient, and writes that don't fit, change nothing


@pytest.mark.parametrize(
    "write",
    [
        lambda a, x: a.__setitem__(0, x[0]),
        lambda a, x: a.__setitem__(..., x),
        lambda a, x: a.__setitem__([0, 0], x[:2]),
        lambda a, x: np.copyto(a, x, casting="unsafe"),
        lambda a, x: np.put(a, [1], x),
        lambda a, x: a.__iadd__(x),
        lambda a, x: np.multiply(x, 2.0, out=a),
    ],
)
@pytest.mark.parametrize("target", [np.arange(4), np.zeros(4, bool)])
def test_a_traced_value_does_not_go_into_integers(write, target):
    a = wg.tensor(target)
    with pytest.raises(InputError, match="astype"):
        write(a, wg.tensor(A))
    np.testing.assert_array_equal(a.data, target)
    with pytest.raises(InputError, match="astype"):
        wg.grad(lambda x: write(a, x))(A)


def test_a_traced_complex_value_does_not_go_into_real_numbers():
    a = wg.tensor(A)
    with pytest.raises(InputError, match="complex128"):
        a[0] = wg.tensor(1j)
    with pytest.raises(TypeError):
        a += wg.tensor(1j * A)
    np.testing.assert_array_equal(a.data, A)


def test_constants_may_be_written_as_numpy_converts_them():
    a = wg.tensor(np.arange(4))
    a[0] = 2.7
    a[1:3] = wg.tensor([5.5, 6.5], constant=True)
    np.testing.assert_array_equal(a.data, [2, 5, 6, 3])


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.__setitem__(slice(2), np.ones(3)),
        lambda x: x.__setitem__(..., x[:3]),
        lambda x: x.__setitem__(..., np.ones((2, 4))),
        lambda x: x.__iadd__(np.ones((2, 4))),
        lambda x: np.add(x, np.ones((2, 4)), out=x),
        lambda x: np.copyto(x, np.ones(3)),
        lambda x: np.put(x, [9], 1.0),
    ],
)
def test_what_does_not_fit_changes_nothing(write):
    for x in (A.copy(), wg.tensor(A)):
        with pytest.raises((ValueError, IndexError)):
            write(x)
        np.testing.assert_array_equal(np.asarray(x), A)


def test_a_value_may_have_leading_axes_of_length_one():
    def f(x, v):
        x[1:] = v
        x[[0, 1]] = 2 * v[..., :2]
        return np.sum(x * x)

    v = np.array([[[1.0, 2.0, 3.0]]])
    by_v = wg.grad(f, (0, 1))(A, v)[1]
    np.testing.assert_allclose(by_v, [[[8.0, 16 + 4.0, 6.0]]])
    assert by_v.shape == v.shape


def test_casting_of_in_place_operators():
    x = wg.tensor(np.arange(3, dtype=np.float32))
    x += np.ones(3)
    assert x.dtype == np.float32
    x *= 0.5
    assert x.dtype == np.float32
    np.sum(x).backward()
    assert x.grad.dtype == np.float32
    i = wg.tensor(np.arange(3))
    i += 1
    with pytest.raises(TypeError):
        i /= 2
    np.testing.assert_array_equal(i.data, [1, 2, 3])


def test_functions_write_the_data_of_a_persons_tensor_to_plain_arrays():
    t, everywhere = wg.tensor([1.0, 2.0, 3.0]), [True, True, True]
    for write in (
        lambda a: a.__setitem__(..., t),
        lambda a: np.copyto(a, t),
        lambda a: np.put(a, [0, 1, 2], t),
        lambda a: np.place(a, everywhere, t),
        lambda a: np.putmask(a, everywhere, t),
        lambda a: np.put_along_axis(a, np.arange(3), t, 0),
    ):
        a = np.zeros(3)
        write(a)
        np.testing.assert_array_equal(a, t.data)


@pytest.mark.filterwarnings("error")
def test_real_and_imaginary_parts_are_written_without_a_warning():
    def f(x):
        z = x + 0j
        z.imag = x**2
        z.real[0] = 2.0
        return np.sum(np.abs(z) ** 2)

    x = np.array([0.5, 1.5])
    np.testing.assert_allclose(wg.grad(f)(x), [4 * x[0] ** 3, 2 * x[1] + 4 * x[1] ** 3])
    np.testing.assert_allclose(wg.hessian(f)(x), np.diag([12 * x[0] ** 2, 2 + 12 * x[1] ** 2]))


def test_plain_arrays_take_no_traced_values():
    def f(x):
        plain = np.zeros(4)
        with pytest.raises(ValueError, match="setting an array element") as caught:
            plain[0] = x[0]
        assert isinstance(
            caught.value.__cause__, ConversionError
        )  # it names the remedy; NumPy reports an error of its own
        with pytest.raises(ConversionError, match=r"wg\.tensor"):
            np.copyto(plain, x)
        with pytest.raises(TypeError, match=r"wg\.tensor"):
            np.multiply(x, 2.0, out=plain)
        assert not plain.any()
        return np.sum(x)

    wg.grad(f)(A)


# Between levels


@pytest.mark.parametrize("constant", [True, False])
def test_traced_values_written_into_a_tensor_made_inside(constant):
    def f(x):
        buffer = wg.tensor(np.zeros(4), constant=constant)
        early = buffer[1:]
        for i in range(4):
            buffer[i] = x[i] * (buffer[i - 1] if i else 1.0)
        return np.sum(early * early)

    def functional(x):
        return np.sum(np.cumprod(x)[1:] ** 2)

    for derivative in (wg.grad, lambda g: wg.hessian(g)):
        np.testing.assert_allclose(derivative(f)(A), derivative(functional)(A))
    found, expected = (wg.jvp(g, (A,), (A,))[1] for g in (f, functional))
    np.testing.assert_allclose(found, expected)


def test_traced_values_written_into_an_array_like_theirs():
    def f(x):
        y = np.zeros_like(x)
        y[1:] = x[:-1] * x[1:]
        return np.sum(y * y)

    def functional(x):
        return np.sum((x[:-1] * x[1:]) ** 2)

    np.testing.assert_allclose(wg.grad(f)(A), wg.grad(functional)(A))
    np.testing.assert_allclose(wg.hessian(f)(A), wg.hessian(functional)(A))


def test_an_update_does_not_reach_what_an_inner_derivative_has_saved():
    def f(w):
        def inner(x):
            y = np.sum(x * x * w)
            w[0] = 100.0
            return y

        return np.sum(wg.grad(inner)(np.ones(4)))

    np.testing.assert_allclose(wg.grad(f)(A.copy()), [2, 2, 2, 2])


def test_an_update_inside_a_nested_derivative_leaves_the_outer_value():
    def f(x):
        def inner(z):
            z *= 2.0
            return np.sum(z**3)

        return np.sum(wg.grad(inner)(x) * x)

    np.testing.assert_allclose(wg.grad(f)(A), 3 * 24 * A**2)


def test_results_of_a_nested_derivative_are_ones_own():
    def f(x):
        y, pullback = wg.vjp(lambda z: np.exp(z), x)
        expected = y * 1.0
        y *= 7.0
        a, b = wg.grad(lambda u, v: np.sum((u + v) * x), (0, 1))(x, x)
        a += 1.0
        return np.sum(pullback(np.ones(4)) - expected) + np.sum(b)

    np.testing.assert_allclose(wg.value_and_grad(f)(A)[0], np.sum(A))
    np.testing.assert_allclose(wg.grad(f)(A), np.ones(4), atol=1e-14)


def test_the_callers_arrays_stay_as_they_were():
    x, outer = A.copy(), wg.tensor(A)

    def f(x):
        x[0] = 5.0
        x += 1.0
        x[1:].fill(0.0)
        return np.sum(x * x)

    for transform in (wg.grad(f), lambda x: wg.jvp(f, (x,), (x,)), lambda x: wg.vjp(f, x), wg.hessian(f)):
        transform(x)
        np.testing.assert_array_equal(x, A)
        transform(outer)
        np.testing.assert_array_equal(outer.data, A)


# Methods that work in place


@pytest.mark.parametrize(
    "update",
    [
        lambda x: x.sort(),
        lambda x: x.sort(axis=0),
        lambda x: x.T.sort(),
        lambda x: x.partition(1),
        lambda x: x.put([0, -1], [7.0, 8.0]),
        lambda x: x.fill(2.0),
    ],
)
def test_methods_that_work_in_place(update):
    x = np.random.default_rng(0).permutation(6).reshape(2, 3) * 1.0
    weights = np.cos(np.arange(6.0)).reshape(2, 3)

    def f(x):
        y = x.copy()
        z = y[:]
        assert update(y) is None
        return np.sum(weights * z**2)

    value, gradient = wg.value_and_grad(f)(x)
    assert value == pytest.approx(f(x))
    v = np.random.default_rng(1).normal(size=(2, 3))
    slope = np.imag(f(x + 1e-30j * v)) / 1e-30
    np.testing.assert_allclose(np.sum(gradient * v), slope, atol=1e-14)
