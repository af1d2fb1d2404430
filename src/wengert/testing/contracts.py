"""Checks of what holds besides the numbers: dtypes and shapes of gradients, arguments left alone, any memory layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from wengert._types import Array, Tree
from wengert.core.trees import flatten
from wengert.testing.oracles import SAFETY, richardson_jacobian
from wengert.testing.realmap import RealMap, Vector, boxed, inner, name_of, parts, plain, random_like
from wengert.transforms.forward import jvp
from wengert.transforms.reverse import grad

__all__ = ["check_dtypes", "check_inputs_unchanged", "check_layouts"]

SEED = 1964

ROUNDINGS = 64
"""Roundings in the last place that results of different precision or summation order may differ by, relative to their
largest element: a few tens of operations, each with a relative error of half an ε."""


def check_dtypes(
    f: Callable[..., Tree], args: Sequence[Tree], dtypes: Sequence[Any] = (np.float16, np.float32, np.float64)
) -> None:
    """Assert that derivatives of ``f`` keep to the precision of its arguments, for each of ``dtypes``.

    With all floating-point arguments of that dtype (complex ones of the matching complex dtype): results have the dtype
    they have for plain arrays, gradients the shape and dtype of their arguments, tangents those of the results, and
    gradients agree with those in double precision up to rounding. A dtype that the function itself refuses with a
    ``TypeError`` for plain arrays is passed over; there must be one that it accepts.

    >>> import numpy as np
    >>> check_dtypes(lambda x: np.sum(2.0 * np.sin(x)), (np.array([0.5, 1.0]),))
    """
    real_map = RealMap(f, args)
    accepted = False
    for dtype in map(np.dtype, dtypes):
        variables = [np.asarray(x).astype(_matching(dtype, x)) for x in real_map.variables]
        try:
            values = real_map(*variables)
        except TypeError:
            continue
        accepted = True
        _check_dtype(f, real_map, variables, values, float(np.finfo(dtype).eps))
    assert accepted, f"{name_of(f)} accepts none of the dtypes {[str(np.dtype(d)) for d in dtypes]}."


def _check_dtype(
    f: Callable[..., Tree], real_map: RealMap, variables: Sequence[Array], values: Sequence[Array], eps: float
) -> None:
    rng = np.random.default_rng(SEED)
    v, w = random_like(variables, rng), random_like(values, rng)
    results, tangents = jvp(real_map.traced, tuple(variables), tuple(v))
    for y, result, tangent in zip(values, results, tangents, strict=True):
        _assert_like(f"{name_of(f)}: a result", plain(result), y)
        _assert_like(f"{name_of(f)}: a tangent", plain(tangent), y)
    gradients = _gradients(real_map, variables, w)
    for x, g in zip(variables, gradients, strict=True):
        _assert_like(f"{name_of(f)}: a gradient", plain(g), x)
    wide = [x.astype(np.complex128 if x.dtype.kind == "c" else np.float64) for x in variables]
    found, expected = parts(gradients), parts(_gradients(real_map, wide, w))
    _assert_same(f"{name_of(f)}: gradients in {variables[0].dtype}", found, expected, eps)


def check_inputs_unchanged(f: Callable[..., Tree], args: Sequence[Tree]) -> None:
    """Assert that taking derivatives of ``f`` leaves every array among ``args`` as it was, and to itself.

    Bytes and writeability have to be the same after reverse mode, forward mode and forward over reverse; and gradients
    share memory neither with the arguments nor with one another.

    >>> import numpy as np
    >>> check_inputs_unchanged(lambda x, i: np.sum(x[i]), (np.array([1.0, 2.0]), np.array([0, 0, 1])))
    """
    real_map = RealMap(f, args)
    arrays = [x for x in flatten(tuple(args))[0] if isinstance(x, np.ndarray)]
    before = [(x.tobytes(), x.flags.writeable) for x in arrays]
    rng = np.random.default_rng(SEED)
    v = tuple(real_map.directions(rng))
    w = random_like(real_map(*real_map.variables), rng)
    variables = real_map.variables

    def boxed_gradients(*xs: Array) -> list[Array]:
        return [boxed(g) for g in _gradients(real_map, xs, w)]

    for mode, run in (
        ("reverse mode", lambda: _gradients(real_map, variables, w)),
        ("forward mode", lambda: jvp(real_map.traced, variables, v)[1]),
        ("forward over reverse mode", lambda: jvp(boxed_gradients, variables, v)[1]),
    ):
        made = [plain(x) for x in run()]
        for x, (data, writeable) in zip(arrays, before, strict=True):
            assert x.tobytes() == data, f"{name_of(f)}: {mode} changed an argument of shape {x.shape}."
            assert x.flags.writeable == writeable, f"{name_of(f)}: {mode} left an argument's writeable flag changed."
        if mode == "reverse mode":
            _assert_apart(f, made, arrays)


def _assert_apart(f: Callable[..., Tree], gradients: Sequence[Array], arrays: Sequence[Array]) -> None:
    for i, g in enumerate(gradients):
        for x in arrays:
            assert not np.may_share_memory(g, x), f"{name_of(f)}: gradient {i} shares memory with an argument."
        for j, other in enumerate(gradients[:i]):
            assert not np.may_share_memory(g, other), f"{name_of(f)}: gradients {i} and {j} share memory."


def check_layouts(f: Callable[..., Tree], args: Sequence[Tree]) -> None:
    """Assert that gradients of ``f`` at ``args`` are right however the arguments lie in memory.

    Tried are Fortran order, every other element of a larger array, negative strides, read-only memory, a 0-d array
    in place of a number and the reverse, and one array passed as several arguments of the same shape and dtype. All
    have to give the same gradient; if the values of ``f`` itself depend on the layout, that of differences.

    >>> import numpy as np
    >>> check_layouts(np.matmul, (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, 1.0], [2.0, -1.0]])))
    """
    real_map = RealMap(f, args)
    variables = [np.array(x) for x in real_map.variables]
    rng = np.random.default_rng(SEED)
    results = real_map(*variables)
    w, values = random_like(results, rng), parts(results)
    expected = parts(_gradients(real_map, variables, w))
    eps = max(float(np.finfo(x.dtype).eps) for x in variables)
    for layout, arranged in _LAYOUTS.items():
        arrays = [arranged(x) for x in variables]
        what = f"{name_of(f)}: gradients for {layout}"
        if np.array_equal(parts(real_map(*arrays)), values, equal_nan=True):
            _assert_same(what, parts(_gradients(real_map, arrays, w)), expected, eps)
        else:
            jacobian, error = richardson_jacobian(_rearranged(real_map, arranged), *variables)
            differences, uncertainty = parts(w) @ jacobian, np.abs(parts(w)) @ error
            _assert_same(what, parts(_gradients(real_map, arrays, w)), differences, eps, SAFETY * uncertainty)
    for one, other in _alike(variables):
        copied = list(variables)
        copied[other] = variables[one].copy()
        aliased = list(variables)
        aliased[other] = variables[one]
        what = f"{name_of(f)}: gradients for the same array as variables {one} and {other}"
        found, expected = (parts(_gradients(real_map, arrays, w)) for arrays in (aliased, copied))
        _assert_same(what, found, expected, eps)


def _spaced(x: Array) -> Array:
    """``x`` as every other element, along each axis, of an array of NaN."""
    wide = np.full([2 * n for n in x.shape], np.nan, x.dtype)
    spaced = wide[(..., *(slice(None, None, 2),) * x.ndim)]
    spaced[...] = x
    return spaced


def _backwards(x: Array) -> Array:
    return np.flip(np.flip(x).copy())


def _locked(x: Array) -> Array:
    locked = x.copy()
    locked.flags.writeable = False
    return locked


_LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "Fortran order": lambda x: np.array(x, order="F"),
    "non-contiguous arrays": _spaced,
    "negative strides": _backwards,
    "read-only arrays": _locked,
    "scalars instead of 0-d arrays": lambda x: x[()],
    "0-d arrays instead of scalars": np.asarray,
}


def _rearranged(real_map: RealMap, arranged: Callable[[Array], Array]) -> Callable[..., list[Array]]:
    """The function after its variables were laid out anew."""
    return lambda *xs: real_map(*[arranged(x) for x in xs])


def _alike(variables: Sequence[Array]) -> Iterator[tuple[int, int]]:
    """Neighbouring variables of equal shape and dtype."""
    for i, (a, b) in enumerate(pairwise(variables)):
        if a.shape == b.shape and a.dtype == b.dtype:
            yield i, i + 1


def _gradients(real_map: RealMap, variables: Sequence[Array], weights: Sequence[Array]) -> tuple[Array, ...]:
    """The gradients, by all variables, of the weighted sum of the results."""

    def weighted(*xs: Array) -> Array:
        return inner(weights, real_map.traced(*xs))

    gradients: tuple[Array, ...] = grad(weighted, tuple(range(len(variables))))(*variables)
    return gradients


def _assert_same(what: str, found: Vector, expected: Vector, eps: float, uncertainty: Any = 0.0) -> None:
    tolerance = uncertainty + ROUNDINGS * eps * (1.0 + np.max(np.abs(expected), initial=0.0))
    wrong = ~(np.abs(found - expected) <= tolerance)
    if wrong.any():
        i = int(np.argmax(wrong))
        bound = float(np.broadcast_to(tolerance, wrong.shape)[i])
        raise AssertionError(
            f"{what} differ at {i}: found {found[i]:.9g}, expected {expected[i]:.9g}, tolerance {bound:.3g}."
        )


def _assert_like(what: str, found: Array, model: Array) -> None:
    assert found.shape == model.shape, f"{what} has shape {found.shape}, should have {model.shape}."
    assert found.dtype == model.dtype, f"{what} has dtype {found.dtype}, should have {model.dtype}."


def _matching(dtype: np.dtype[Any], x: Array) -> np.dtype[Any]:
    """``dtype`` or, for a complex variable, the complex dtype of that precision (or the least there is)."""
    return np.result_type(dtype, np.complex64) if np.asarray(x).dtype.kind == "c" else dtype
