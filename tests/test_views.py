"""Every NumPy function and method that returns views returns them of tensors, just where it does of arrays."""

from dataclasses import dataclass
from operator import attrgetter, methodcaller
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import wengert as wg
from wengert.testing import check_jacobian, check_orders


@dataclass(frozen=True)
class Viewing:
    """A call that may return one view or several, and the shape of an array to call it on."""

    name: str
    shape: tuple[int, ...]
    call: Any

    def __call__(self, x):
        y = self.call(x)
        return list(y) if isinstance(y, tuple | list) else [y]


M, V, T, Z = (2, 3), (4,), (2, 3, 4), ()
VIEWINGS = [
    Viewing(name, shape, call)
    for name, shape, call in [
        ("x[...]", M, lambda x: x[...]),
        ("x[...] of 0-d", Z, lambda x: x[...]),
        ("x[()] of 0-d", Z, lambda x: x[()]),
        ("x[()]", M, lambda x: x[()]),
        ("x[1]", M, lambda x: x[1]),
        ("x[1, ...] of 1-d", V, lambda x: x[1, ...]),
        ("x[1] of 1-d", V, lambda x: x[1]),
        ("x[:, 1]", M, lambda x: x[:, 1]),
        ("x[::-1, 1:]", M, lambda x: x[::-1, 1:]),
        ("x[None]", M, lambda x: x[None]),
        ("x[:, None, 1:2]", M, lambda x: x[:, None, 1:2]),
        ("x[2:2]", V, lambda x: x[2:2]),
        ("x[[0, 1]]", M, lambda x: x[[0, 1]]),
        ("x[mask]", V, lambda x: x[np.array([True, False, True, True])]),
        ("x[..., [0]]", M, lambda x: x[..., [0]]),
        ("x[True]", M, lambda x: x[True]),
        ("reshape", M, lambda x: np.reshape(x, (3, 2))),
        ("reshape, order F", M, lambda x: np.reshape(x, (3, 2), order="F")),
        ("reshape, order A", M, lambda x: np.reshape(x, (3, 2), order="A")),
        ("reshape, copy", M, lambda x: np.reshape(x, (3, 2), copy=True)),
        ("reshape to 1-d", M, lambda x: x.reshape(-1)),
        ("reshape to the same", M, lambda x: x.reshape(2, 3)),
        ("reshape, an axis split", (4, 3), lambda x: x.reshape(2, 2, 3)),
        ("reshape of 0-d", Z, lambda x: x.reshape(1, 1)),
        ("ravel", M, np.ravel),
        ("ravel of 1-d", V, np.ravel),
        ("ravel of 0-d", Z, np.ravel),
        ("ravel, order F", M, lambda x: np.ravel(x, "F")),
        ("ravel, order K", M, lambda x: x.ravel("K")),
        ("ravel, order A", M, lambda x: x.ravel("A")),
        ("flatten", V, methodcaller("flatten")),
        ("copy", M, methodcaller("copy")),
        ("view", M, methodcaller("view")),
        ("view, same dtype", M, lambda x: x.view(float)),
        ("astype", M, lambda x: x.astype(float)),
        ("astype without copy", M, lambda x: x.astype(float, copy=False)),
        ("T", M, attrgetter("T")),
        ("T of 1-d", V, attrgetter("T")),
        ("T of 0-d", Z, attrgetter("T")),
        ("mT", T, attrgetter("mT")),
        ("transpose", T, lambda x: np.transpose(x, (2, 0, 1))),
        ("permute_dims", T, lambda x: np.permute_dims(x, (1, 0, 2))),
        ("transpose method", T, lambda x: x.transpose(1, 2, 0)),
        ("matrix_transpose", M, np.matrix_transpose),
        ("linalg.matrix_transpose", M, np.linalg.matrix_transpose),
        ("swapaxes", T, lambda x: np.swapaxes(x, 0, 2)),
        ("swapaxes with itself", M, lambda x: x.swapaxes(1, 1)),
        ("moveaxis", T, lambda x: np.moveaxis(x, 0, -1)),
        ("rollaxis", T, lambda x: np.rollaxis(x, 2)),
        ("rollaxis in place", T, lambda x: np.rollaxis(x, 1, 1)),
        ("squeeze", (1, 3, 1), np.squeeze),
        ("squeeze of an axis", (1, 3, 1), lambda x: x.squeeze(0)),
        ("squeeze of nothing", M, np.squeeze),
        ("expand_dims", M, lambda x: np.expand_dims(x, 1)),
        ("expand_dims of several", M, lambda x: np.expand_dims(x, (0, 2))),
        ("atleast_1d", M, np.atleast_1d),
        ("atleast_1d of 0-d", Z, np.atleast_1d),
        ("atleast_2d", V, np.atleast_2d),
        ("atleast_3d", M, np.atleast_3d),
        ("atleast_3d of 1-d", V, np.atleast_3d),
        ("broadcast_to", V, lambda x: np.broadcast_to(x, (2, 4))),
        ("broadcast_to the same", V, lambda x: np.broadcast_to(x, (4,))),
        ("broadcast_arrays", V, lambda x: np.broadcast_arrays(x, np.ones((2, 1)))[0]),
        ("broadcast_arrays of equals", V, lambda x: np.broadcast_arrays(x, np.ones(4))[0]),
        ("einsum ii->i", (3, 3), lambda x: np.einsum("ii->i", x)),
        ("einsum ij->ji", M, lambda x: np.einsum("ij->ji", x)),
        ("einsum ij->ij", M, lambda x: np.einsum("ij->ij", x)),
        ("einsum iji->ji", (2, 3, 2), lambda x: np.einsum("iji->ji", x)),
        ("einsum iii->i", (2, 2, 2), lambda x: np.einsum("iii->i", x)),
        ("einsum ...ii->...i", (2, 3, 3), lambda x: np.einsum("...ii->...i", x)),
        ("einsum by lists", (3, 3), lambda x: np.einsum(x, [0, 0], [0])),
        ("einsum ij->i", M, lambda x: np.einsum("ij->i", x)),
        ("einsum ii", (3, 3), lambda x: np.einsum("ii", x)),
        ("einsum i->i, optimized", V, lambda x: np.einsum("i->i", x, optimize=True)),
        ("diagonal", (3, 4), lambda x: np.diagonal(x, 1)),
        ("diagonal of a stack", (2, 3, 3), lambda x: x.diagonal(0, 2, 1)),
        ("linalg.diagonal", (2, 3, 3), np.linalg.diagonal),
        ("diag of a matrix", (3, 3), np.diag),
        ("diag of a vector", V, np.diag),
        ("real of real", M, np.real),
        ("real_if_close", M, np.real_if_close),
        ("sliding_window_view", V, lambda x: sliding_window_view(x, 2)),
        ("sliding_window_view of both axes", (3, 4), lambda x: sliding_window_view(x, (2, 2))),
        ("split", V, lambda x: np.split(x, 2)),
        ("array_split", V, lambda x: np.array_split(x, 3)),
        ("hsplit", T, lambda x: np.hsplit(x, [1])),
        ("vsplit", M, lambda x: np.vsplit(x, 2)),
        ("dsplit", T, lambda x: np.dsplit(x, 2)),
        ("flip", M, np.flip),
        ("flip of an axis", M, lambda x: np.flip(x, 1)),
        ("flip of 0-d", Z, np.flip),
        ("flipud", M, np.flipud),
        ("fliplr", M, np.fliplr),
        *[(f"rot90, {k} times", M, lambda x, k=k: np.rot90(x, k)) for k in range(4)],
        ("trim_zeros", V, lambda x: np.trim_zeros(x)),
        ("iteration", M, lambda x: list(x)),
        ("iteration of 1-d", V, lambda x: list(x)),
        ("ix_", V, lambda x: np.ix_(x, [1, 2])[0]),
        ("meshgrid, sparse, no copy", V, lambda x: np.meshgrid(x, [1.0, 2.0], sparse=True, copy=False)[0]),
        ("meshgrid, no copy", V, lambda x: np.meshgrid(x, [1.0, 2.0], copy=False)[0]),
        ("meshgrid", V, lambda x: np.meshgrid(x, [1.0, 2.0])[0]),
        ("nan_to_num, no copy", V, lambda x: np.nan_to_num(x, copy=False)),
        ("take", V, lambda x: np.take(x, [0, 1])),
        ("compress", V, lambda x: np.compress([True, True], x)),
        ("concatenate of one", V, lambda x: np.concatenate([x])),
        ("repeat", V, lambda x: np.repeat(x, 1)),
        ("tile", V, lambda x: np.tile(x, 1)),
        ("roll", V, lambda x: np.roll(x, 0)),
        ("positive", V, lambda x: +x),
        ("a view of a view", M, lambda x: x.T[1:].reshape(1, 4)),
        ("views of views", T, lambda x: np.swapaxes(x[:, 1:], 0, 1)[::-1].T[..., None]),
    ]
]
if hasattr(np, "unstack"):  # since NumPy 2.1
    VIEWINGS.append(Viewing("unstack", M, lambda x: np.unstack(x, axis=1)))

LAYOUTS = {
    "C": lambda x: x,
    "F": lambda x: x.T,
    "backwards": lambda x: x[(..., *(slice(None, None, -1),) * x.ndim)],
    "every second": lambda x: x[(..., *(slice(None, None, 2),) * x.ndim)],
    "one axis backwards": lambda x: x[..., ::-1] if x.ndim else x[...],
}


def shape_before(layout, shape):
    """The shape of an array that ``layout`` makes one of ``shape`` of."""
    if layout == "F":
        return shape[::-1]
    return tuple(2 * n for n in shape) if layout == "every second" else shape


def is_view(y, x):
    """Whether NumPy's result ``y`` shows the memory of ``x``, which may be empty."""
    if not isinstance(y, np.ndarray) or y is x or y.base is None:
        return False
    return np.may_share_memory(y, x) if y.size else y.base is (x if x.base is None else x.base)


def strides(x):
    """Where the elements lie: the strides of axes along which there are several."""
    return [stride for stride, n in zip(x.strides, x.shape, strict=True) if n > 1 and x.size]


viewings = pytest.mark.parametrize("viewing", [pytest.param(v, id=v.name) for v in VIEWINGS])
layouts = pytest.mark.parametrize("layout", LAYOUTS)


def plain(viewing, layout):
    """An array in the layout, and its data as drawn."""
    size = shape_before(layout, viewing.shape)
    return np.random.default_rng(3).uniform(0.5, 2.0, size)


@layouts
@viewings
def test_what_is_a_view(viewing, layout):
    array, same = (LAYOUTS[layout](plain(viewing, layout)) for _ in range(2))
    x = wg.tensor(same, copy=False)
    for y, expected in zip(viewing(x), viewing(array), strict=True):
        assert np.shares_memory(y, x) == np.shares_memory(expected, array)
        assert (y is x) == (expected is array)
        assert y is x or y.base is (x if is_view(expected, array) else None)
        np.testing.assert_array_equal(y, expected)
        assert y is x or strides(y) == strides(expected)


@viewings
def test_what_is_a_view_of_nothing(viewing):
    array = np.ones((0,) * len(viewing.shape) if "einsum" in viewing.name else (0, *viewing.shape[1:]))
    try:
        expected = viewing(array)
    except (ValueError, IndexError):
        return
    x = wg.tensor(array, copy=False)
    for y, z in zip(viewing(x), expected, strict=True):
        assert (y is x) == (z is array)
        assert y is x or y.base is (x if is_view(z, array) else None)


def run(viewing, layout, start, square):
    """All views squared, one after another; the array, and whether NumPy lets that be done."""
    array = np.copy(start)
    for y in viewing(LAYOUTS[layout](array)):
        square(y)
    return array


def square(y):
    if np.ndim(y) == 0 and not isinstance(y, np.ndarray) and getattr(y, "base", None) is None:
        return
    y *= y


def counted(viewing, layout, start):
    """How often each element is squared."""
    counts = np.zeros(start.shape)
    positions = np.arange(1.0, 1.0 + start.size).reshape(start.shape)
    for y in viewing(LAYOUTS[layout](positions)):
        if isinstance(y, np.ndarray) and np.may_share_memory(y, positions):
            np.add.at(counts.reshape(-1), y.astype(int).reshape(-1) - 1, 1)
    return counts


@layouts
@viewings
def test_writes_through_views(viewing, layout):
    start = plain(viewing, layout)
    weights = np.random.default_rng(4).normal(size=start.shape)
    try:
        expected = run(viewing, layout, start, square)
    except (ValueError, DeprecationWarning):  # of what is shown several times, which here is read-only
        with pytest.raises(ValueError, match="read-only"):
            run(viewing, layout, wg.tensor(start), square)
        return
    times = counted(viewing, layout, start)
    assert times.max(initial=0.0) <= 1.0
    slope = weights * np.where(times == 1.0, 2.0 * start, 1.0)

    def program(x):
        return np.sum(weights * run(viewing, layout, x, square))

    x = wg.tensor(start)
    y = run(viewing, layout, x, square)
    np.testing.assert_array_equal(y, expected)
    np.sum(weights * y).backward()
    np.testing.assert_allclose(x.grad, slope, rtol=1e-13)
    np.testing.assert_allclose(wg.grad(program)(start), slope, rtol=1e-13)
    tangent = np.ones_like(start)
    np.testing.assert_allclose(wg.jvp(program, (start,), (tangent,))[1], np.sum(slope), rtol=1e-13)
    curvature = weights * np.where(times == 1.0, 2.0, 0.0)
    np.testing.assert_allclose(wg.grad(lambda x: np.sum(wg.grad(program)(x)))(start), curvature, rtol=1e-13)


# Parts of complex numbers, and complex numbers made of parts

COMPLEX = {
    "real": (attrgetter("real"), lambda z: 2.0 * z.real + 1j * z.imag),
    "imag": (attrgetter("imag"), lambda z: z.real + 2j * z.imag),
    "np.real of a view": (lambda z: np.real(z[1:]), lambda z: np.where([[0], [1]], 2.0 * z.real + 1j * z.imag, z)),
    "view(float)": (lambda z: z.view(float), lambda z: 2.0 * z),
    "a column of view(float)": (
        lambda z: z.view(np.float64)[:, 1],
        lambda z: np.where([True, False, False], z.real + 2j * z.imag, z),
    ),
    "view(complex) of view(float)": (lambda z: z.view(float).view(complex), lambda z: 2.0 * z),
    "conj of real": (lambda z: np.real_if_close(z.real), lambda z: 2.0 * z.real + 1j * z.imag),
}


@pytest.mark.parametrize("part", COMPLEX)
def test_parts_of_complex_numbers(part):
    call, doubled = COMPLEX[part]
    rng = np.random.default_rng(5)
    start, weights = rng.normal(size=(2, 2, 3)) + 1j * rng.normal(size=(2, 2, 3))
    z = wg.tensor(start)
    copy = np.copy(z)
    y = call(copy)
    assert y.base is copy
    assert np.shares_memory(y, copy)
    y *= 2.0

    def program(z):
        copy = np.copy(z)
        view = call(copy)
        view *= 2.0
        return np.sum(np.real(weights * np.square(copy)))

    def rewritten(z):
        return np.sum(np.real(weights * np.square(doubled(z))))

    np.testing.assert_allclose(copy, doubled(start), rtol=1e-14)
    np.testing.assert_allclose(wg.grad(program)(start), wg.grad(rewritten)(start), rtol=1e-13)
    np.testing.assert_allclose(
        wg.jvp(program, (start,), (weights,))[1], wg.jvp(rewritten, (start,), (weights,))[1], rtol=1e-12
    )


def test_pairs_seen_as_complex_numbers():
    def program(x):
        pairs = x * 1.0
        z = pairs.view(complex)
        z *= 1j
        return np.sum(pairs * np.arange(4.0))

    np.testing.assert_array_equal(wg.grad(program)(np.ones(4)), [1.0, 0.0, 3.0, -2.0])


def test_the_imaginary_part_of_real_numbers_is_not_written():
    x = wg.tensor(np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        np.imag(x)[...] = 1.0
    with pytest.raises(TypeError, match=r"astype\(complex\)"):
        x.imag = 1.0


def test_a_single_element_is_written():
    def program(x):
        y = np.copy(x)
        y[1, ...] *= 3.0
        y.T[0] = y[2] * y[1]
        return np.sum(y)

    np.testing.assert_allclose(wg.grad(program)(np.array([1.0, 2.0, 5.0])), [0.0, 3.0 * 5.0 + 3.0, 6.0 + 1.0])


# Gradients of views


@viewings
def test_the_gradient_of_a_view_is_a_view_of_the_gradient(viewing):
    start = plain(viewing, "C")
    x = wg.tensor(start)
    weights = np.random.default_rng(6).normal(size=start.shape)
    views = [y for y in viewing(x) if getattr(y, "base", None) is x]
    np.sum(x * x * weights).backward()
    for y, expected in zip(views, viewing(2.0 * start * weights), strict=False):
        np.testing.assert_allclose(y.grad, expected, rtol=1e-14)
        assert np.may_share_memory(y.grad, x.grad) or y.size == 0


WINDOW_INDICES = {"one": 0, "all": ..., "some": slice(0, 2), "chosen": [0, 1], "a column": (slice(None), 0)}


@pytest.mark.parametrize("index", WINDOW_INDICES)
@pytest.mark.parametrize("layout", ["C", "F", "backwards"])
def test_writes_through_windows(layout, index):
    """What is shown by several windows keeps the last of what is written to it."""
    place = WINDOW_INDICES[index]
    rng = np.random.default_rng(7)
    x = rng.normal(size=(4, 5))

    def program(x, v):
        y = LAYOUTS[layout](np.copy(x * 1.0))
        windows = sliding_window_view(y, (2, 3), writeable=True)
        windows[place] = v * v
        return np.sum(y * np.sin(np.arange(y.size)).reshape(y.shape)) + np.sum(windows**2)

    v = rng.normal(size=sliding_window_view(LAYOUTS[layout](x), (2, 3))[place].shape)
    check_jacobian(program, (x, v))
    check_orders(program, (x, v), order=2)


def test_windows_are_read_only_unless_said():
    with pytest.raises(ValueError, match="read-only"):
        sliding_window_view(wg.tensor(np.arange(4.0)), 2)[0] = 1.0
