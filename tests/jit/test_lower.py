"""Operations of the table as primitives: what they compute is what NumPy does, and NumPy is not called for it."""

import numpy as np
import pytest

import wengert as wg
from tests.jit.compiling import agrees, calls_of_numpy, executable, lowered
from wengert import nnet
from wengert.compiler.lower.rules import RULES
from wengert.compiler.lower.written import Written
from wengert.testing.realmap import inner, random_like

RNG = np.random.default_rng(1964)
NAN, INF = np.nan, np.inf


def draw(*shape):
    return RNG.normal(size=shape)


def native(f, *args, gradient=True):
    """``f`` and, if asked, its gradient by the first argument agree with NumPy, and no piece of either is NumPy's."""
    assert calls_of_numpy(agrees(f, *args)) == []
    if gradient:
        w = random_like([f(*args)], np.random.default_rng(5))
        program = wg.value_and_grad(lambda *xs: inner(w, [f(*xs)]))
        assert calls_of_numpy(agrees(program, *args, rtol=1e-10, atol=1e-12)) == []


# Functions of each element

AWKWARD = np.array([-INF, -3.5, -2.5, -1.0, -0.0, 0.0, 0.5, 1.0, 1.5, 2.5, INF, NAN])


@pytest.mark.parametrize("f", [
    np.square, np.reciprocal, np.deg2rad, np.rad2deg, np.positive, np.sign, np.fabs, np.sinc, np.real, np.imag,
    lambda x: np.round(x, 1), lambda x: np.round(x, -1), np.round, lambda x: np.clip(x, -1.0, 2.0),
    lambda x: np.heaviside(x, 0.25), lambda x: np.logaddexp2(x, x[::-1]), lambda x: np.logaddexp2(x, x),
    lambda x: np.where(x, x, 7.0), lambda x: np.logical_xor(x, x > 0), lambda x: np.logical_not(x),
    lambda x: np.nan_to_num(x), lambda x: x % 2.0, lambda x: x // 2.0, lambda x: np.copysign(x, -1.0),
    lambda x: np.hypot(x, 2.0), lambda x: np.arctan2(x, -1.0)
])  # fmt: skip
def test_functions_of_each_element_at_awkward_numbers(f):
    with np.errstate(all="ignore"):
        native(f, AWKWARD, gradient=False)


@pytest.mark.parametrize("name", ["sec", "csc", "cot", "sech", "csch", "coth", "arccot", "arccoth", "arcsec", "arccsc"])
def test_reciprocals_of_functions(name):
    native(getattr(wg, name), np.array([1.25, 2.0, 3.0]))


def test_functions_with_a_derivative_of_their_own():
    x = np.array([[0.5, -1.5], [2.0, 1e-3]])
    native(np.sinc, x)
    native(lambda x: np.logaddexp2(x, 0.25), x)
    native(lambda x: np.hypot(x, 0.5) + np.arctan2(x, 0.5), x)
    native(lambda x: np.linalg.norm(x, 3, axis=1), x)
    native(lambda x: np.maximum(x, 0.5) + np.fmin(x, 1.0) + np.absolute(x), x)


def test_whole_numbers():
    n, m = np.array([-7, -2, 0, 3, 9]), np.array([2, -3, 5, 0, 4])
    with np.errstate(all="ignore"):
        for f in (
            lambda n, m: n // m, lambda n, m: n % m, lambda n, m: n**3, lambda n, m: n**0, lambda n, m: n << 3,
            lambda n, m: n >> 1, lambda n, m: n & m, lambda n, m: n | m, lambda n, m: ~n ^ m, lambda n, m: abs(n),
            lambda n, m: np.sign(n), lambda n, m: np.maximum(n, m), lambda n, m: n / 4, lambda n, m: np.round(n),
            lambda n, m: n.astype(np.uint8), lambda n, m: np.where(n > m, n, m), lambda n, m: np.floor(n),
        ):  # fmt: skip
            native(f, n, m, gradient=False)
    native(lambda p, q: (p + q, p * q, np.sign(p.astype(np.uint8)), ~p), n > 0, m > 0, gradient=False)


def test_dtypes_follow_numpy():
    x, y = draw(3).astype(np.float32), np.arange(3, dtype=np.int8)
    for f in (
        lambda x, y: x + 1.5, lambda x, y: x * np.float64(2), lambda x, y: x + y, lambda x, y: y / 2,
        lambda x, y: np.where(y > 0, x, 1.0), lambda x, y: np.float32(3) * y, lambda x, y: np.sqrt(y),
        lambda x, y: np.sum(y), lambda x, y: np.mean(y), lambda x, y: np.sum(x, dtype=float),
    ):  # fmt: skip
        agrees(f, x, y, rtol=1e-6)


# Along axes


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_what_is_combined_along_axes(axis, keepdims):
    x = draw(2, 3, 4)
    for f in (np.sum, np.prod, np.max, np.min, np.mean, np.var, np.std, np.nanmax, np.nanmin, np.nansum, np.nanmean):
        native(lambda x, f=f: f(x, axis=axis, keepdims=keepdims), x)
    for f in (np.any, np.all, np.count_nonzero):
        native(lambda x, f=f: f(x > 0.5, axis=axis, keepdims=keepdims), x, gradient=False)
    native(lambda x: np.logaddexp.reduce(x, axis=axis, keepdims=keepdims), x)
    native(lambda x: np.logaddexp2.reduce(x, axis=axis, keepdims=keepdims), x)
    native(lambda x: np.linalg.norm(x[0], axis=None if axis == (0, 2) else axis and 1, keepdims=keepdims), x)


def test_reductions_of_chosen_elements():
    x, chosen = draw(3, 4), draw(3, 4) > -0.5
    chosen[:, 0] = True
    for f in (np.sum, np.prod, np.mean, np.var, np.std):
        native(lambda x, f=f: f(x, axis=1, where=chosen), x)
    for f in (np.max, np.min):
        native(lambda x, f=f: f(x, axis=1, where=chosen, initial=0.1), x)
    native(lambda x: np.sum(x, axis=0, initial=2.0), x)
    native(lambda x: np.var(x, axis=0, ddof=1), x)


def test_extrema_and_numbers_that_are_missing():
    x = np.array([[1.0, NAN, 3.0, 3.0], [NAN, NAN, NAN, NAN], [-INF, NAN, -INF, -INF], [0.0, -0.0, 0.0, -1.0]])
    for f in (np.max, np.min, np.argmax, np.argmin):
        native(lambda x, f=f: f(x, axis=1), x, gradient=False)
        native(lambda x, f=f: f(x), x, gradient=False)
    for f in (np.nanmax, np.nanmin):
        native(lambda x, f=f: f(x, axis=1), x[[0, 2, 3]], gradient=False)
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        native(lambda x: np.nanmax(x, axis=1), x, gradient=False)


def test_places_of_extrema():
    n = np.array([[3, 1, 3], [2, 2, 5]])
    for f in (np.argmax, np.argmin):
        for kwargs in ({}, {"axis": 0}, {"axis": -1}, {"axis": 1, "keepdims": True}, {"keepdims": True}):
            native(lambda x, f=f, kwargs=kwargs: f(x, **kwargs), n, gradient=False)
            native(lambda x, f=f, kwargs=kwargs: f(x, **kwargs), n.astype(np.float32), gradient=False)


def test_logarithms_of_sums_with_infinities():
    x = np.array([[-INF, -INF], [INF, 0.0], [INF, -INF], [NAN, 0.0], [1000.0, 999.0]])
    native(lambda x: np.logaddexp.reduce(x, axis=1), x, gradient=False)
    native(lambda x: np.logaddexp2.reduce(x, axis=1), x, gradient=False)


# Products


@pytest.mark.parametrize(("subscripts", "shapes"), [
    ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("ij->ji", [(2, 3)]), ("ij->", [(2, 3)]),
    ("ii->i", [(3, 3)]), ("ii", [(3, 3)]), ("iij->j", [(3, 3, 2)]), ("i,j->ij", [(2,), (3,)]),
    ("i,i", [(3,), (3,)]), ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]), ("...ij,...jk->...ik", [(2, 3, 4), (4, 5)]),
    ("...i,...i", [(2, 3), (2, 3)]), ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
    ("ij,ik,i->jk", [(2, 3), (2, 4), (2,)]),
    ("ii,ij->j", [(3, 3), (3, 2)]), ("ij,kj->ki", [(1, 3), (2, 3)]), ("ij,jk->k", [(2, 3), (3, 4)]),
    ("bi,bi->b", [(2, 3), (1, 3)]), ("ijk,kl,mj->ilm", [(2, 3, 4), (4, 5), (6, 3)]), ("a,b,c,d->dbca", [(2,)] * 4),
])  # fmt: skip
def test_einstein_sums(subscripts, shapes):
    native(lambda *xs: np.einsum(subscripts, *xs), *[draw(*shape) for shape in shapes])
    if len(shapes) > 2:
        native(lambda *xs: np.einsum(subscripts, *xs, optimize=True), *[draw(*shape) for shape in shapes])


@pytest.mark.parametrize(("f", "shapes"), [
    (np.matmul, [(2, 3), (3, 4)]), (np.matmul, [(3,), (3,)]), (np.matmul, [(2, 3), (3,)]), (np.matmul, [(3,), (3, 2)]),
    (np.matmul, [(5, 1, 2, 3), (4, 3, 2)]), (np.dot, [(2, 3), (4, 3, 5)]), (np.dot, [(), (3,)]),
    (np.inner, [(2, 3), (4, 3)]),
    (np.vdot, [(2, 3), (2, 3)]), (np.outer, [(2, 2), (3,)]), (np.kron, [(2, 3), (2, 2)]), (np.vecdot, [(2, 3), (3,)]),
    (np.matvec, [(4, 2, 3), (3,)]), (np.vecmat, [(3,), (4, 3, 2)]), (np.cross, [(2, 3), (2, 3)]),
    (lambda a, b: np.tensordot(a, b, 1), [(2, 3), (3, 4)]), (lambda a, b: np.tensordot(a, b, 0), [(2,), (3,)]),
    (lambda a, b: np.tensordot(a, b, ([0, -1], [1, 0])), [(2, 3, 4), (4, 2, 5)]),
    (lambda a, b: np.vecdot(a, b, axis=0), [(3, 2), (3, 2)]),
    (lambda a, b: np.matmul(a, b, axes=[(0, 1), (1, 0), (1, 0)]), [(2, 3), (4, 3)]),
])  # fmt: skip
def test_products(f, shapes):
    native(f, *[draw(*shape) for shape in shapes])


# By position

ROWS, COLUMNS, MASK = np.array([0, 2, -1, 2]), np.array([3, 0, 0, -4]), np.array([True, False, True])
INDICES = {
    "basic": np.s_[1, ::-2], "negative step": np.s_[::-1, 3:0:-1], "new axes": np.s_[None, :, None, 1],
    "ellipsis": np.s_[..., 0], "one array": np.s_[ROWS], "a list": np.s_[[1, 1]],
    "an array after a slice": np.s_[:, COLUMNS],
    "two arrays": np.s_[ROWS, COLUMNS], "arrays that broadcast": np.s_[ROWS[:, None], COLUMNS[:2]],
    "an array and a number": np.s_[ROWS, 1], "an array and a step": np.s_[ROWS, ::-2],
    "arrays about a slice": np.s_[ROWS, :, COLUMNS[:, None]],
    "a number and an array about a slice": np.s_[1, :, COLUMNS],
    "new axis between": np.s_[ROWS, None, COLUMNS], "a mask": np.s_[MASK],
    "a mask of two axes": np.s_[np.ones((3, 4), bool)],
    "a mask and a slice": np.s_[MASK, 1:], "an array of none": np.s_[np.array([], int)],
    "ellipsis and array": np.s_[..., ROWS],
    "last of all": np.s_[-1], "one element": np.s_[2, 3],
}  # fmt: skip
THREE = {"arrays about a slice", "a number and an array about a slice"}


@pytest.mark.parametrize("name", INDICES)
def test_elements_read_and_written(name):
    index = INDICES[name]
    x = draw(3, 4, 4) if name in THREE else draw(3, 4)
    native(lambda x: x[index], x)
    native(lambda x: x[:, ::-1][index], x)
    new = draw(*x[index].shape)

    def written(x, new):
        y = x * 1
        y[index] = new
        return y

    def added(x, new):
        y = x * 1
        y[index] += new
        return y

    for f in (written, added):
        native(f, x, new)
        native(lambda x, new, f=f: f(x, new[..., :1] if new.ndim else new), x, new)


def test_the_last_write_counts():
    x, new = draw(4), draw(5)

    def written(x, new):
        y = x * 1
        y[np.array([1, 3, 1, 1, -1])] = new
        return y

    made, arrays = executable(written, x, new)
    assert made(arrays)[0][1] == new[3]
    native(written, x, new)


def test_positions_that_are_arguments():
    x, rows = draw(3, 4), np.array([2, 0, 2])
    native(lambda x, rows: x[rows], x, rows)
    native(lambda x, rows: x[rows, 1:], x, rows)
    native(lambda x, rows: x[:, rows], x, rows)
    native(lambda x, rows: np.take(x, rows, axis=1), x, rows)
    native(lambda x, rows: np.take_along_axis(x, rows[:, None], 1), x, rows)
    with pytest.raises(IndexError):
        executable(lambda x, rows: x[rows], x, rows)[0]([x, np.array([0, 3, 0])])  # checked at each call


def test_where_a_condition_is_true():
    x = draw(3, 4)

    def cut(x):
        y = x * 1
        y[y > 0.3] = 0.25
        y[np.array([True, False, True])] = -1.0
        return y

    native(cut, x)


def test_added_at_positions_named_twice():
    x, new = draw(4), draw(3)

    def added(x, new):
        y = x * 1
        np.add.at(y, np.array([1, 1, -1]), new)
        return y

    native(added, x, new)


# In another arrangement


@pytest.mark.parametrize("f", [
    lambda x: np.concatenate([x, 2 * x], axis=1), lambda x: np.concatenate([x, x[0]], axis=None) if x.ndim == 1 else x,
    lambda x: np.stack([x, x * x], axis=-1), lambda x: np.vstack([x, x[:1]]), lambda x: np.roll(x, 2),
    lambda x: np.roll(x, (1, -2), (0, 1)), lambda x: np.repeat(x, 3, axis=1), lambda x: np.tile(x, (2, 1, 2)),
    lambda x: np.tril(x, -1), lambda x: np.triu(x), lambda x: np.trace(x, 1), lambda x: np.diag(x[0], -1),
    lambda x: np.diag(x[:, 1]), lambda x: np.diag(x, 1), lambda x: np.pad(x, ((1, 0), (0, 2))),
    lambda x: np.ravel(x, "F"),
    lambda x: np.reshape(x, (4, 3), order="F"), lambda x: np.flip(x), lambda x: np.rot90(x), lambda x: np.diff(x, 2),
    lambda x: np.fill_diagonal(y := x * 1, 7.0) or y, lambda x: np.broadcast_to(x, (2, 3, 4)),
    lambda x: np.split(x, 2, 1)[1],
    lambda x: np.zeros_like(x) + x, lambda x: np.append(x, x), lambda x: np.insert(x, 1, x[0], axis=0),
    lambda x: np.block([[x, x], [x, x]]), lambda x: np.moveaxis(x[None], 0, 2), lambda x: np.pad(x, 1, "reflect"),
    lambda x: x[:0], lambda x: np.sum(x[:0], axis=0), lambda x: np.tril(x[0]),
])  # fmt: skip
def test_other_arrangements(f):
    native(f, draw(3, 4))


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize(("n", "m"), [(5, 3), (3, 5), (4, 4), (1, 1), (6, 1), (5, 2), (1, 4)])
def test_convolutions(mode, n, m):
    native(lambda a, v: np.convolve(a, v, mode), draw(n), draw(m))
    native(lambda a, v: np.correlate(a, v, mode), draw(n), draw(m))


@pytest.mark.parametrize(("window", "axis"), [(2, 0), ((2, 3), None), ((2, 2), (1, 1)), (4, 1), ((1, 2), (1, 0))])
def test_windows(window, axis):
    view = np.lib.stride_tricks.sliding_window_view
    native(lambda x: np.sum(view(x, window, axis) ** 2, axis=-1), draw(3, 5))


# Networks


@pytest.mark.parametrize("f", [
    nnet.sigmoid, nnet.relu, nnet.soft_sign, nnet.softmax, nnet.logsoftmax, nnet.selu, lambda x: nnet.elu(x, 0.5),
    lambda x: nnet.leaky_relu(x, 0.1), lambda x: nnet.hard_tanh(x, lower_bound=-0.5, upper_bound=1),
    lambda x: nnet.softmax(x, axis=0), lambda x: nnet.logsoftmax(x, axis=None),
], ids=lambda f: f.__name__)  # fmt: skip
def test_activations(f):
    native(f, draw(3, 4), gradient=False)
    program = wg.value_and_grad(lambda x, w: np.sum(w * f(x)))
    assert calls_of_numpy(agrees(program, draw(3, 4), draw(3, 4), rtol=1e-10, atol=1e-12)) == []


def test_activations_far_from_zero():
    x = np.array([[-800.0, 0.0, 800.0], [INF, 1.0, -INF], [NAN, 0.0, 1.0]])
    for f in (nnet.sigmoid, nnet.softmax, nnet.logsoftmax):
        agrees(f, x)


# Formulas


def test_a_formula_builds_what_it_computes():
    graph = lowered(np.sinc, draw(3))
    assert [x.attrs for x in graph.values if x.prim == "map"].count("sin") == 1


def test_a_formula_says_what_it_can_not_do():
    x = Written(None, None)
    with pytest.raises(TypeError, match="reads no elements"):
        x[0]
    with pytest.raises(TypeError):
        np.cumsum(x)


def test_every_rule_has_a_name_of_an_operation():
    assert all(isinstance(name, str) and callable(rule) for name, rule in RULES.items())


def test_what_has_no_lowering_is_left_to_numpy():
    for f in (np.sort, np.cumsum, np.argsort, lambda x: np.nextafter(x, 1.0)):
        assert calls_of_numpy(agrees(f, draw(5)))
