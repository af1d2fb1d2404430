"""Functions that NumPy lacks: sums and products of several tensors, chains of matrices, sliding windows with steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import index
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view as numpys_windows

from wengert._types import Array
from wengert.arrays.results import as_result, call, origin_of
from wengert.core.arraydata import check_constant
from wengert.core.dispatch import Box, operand
from wengert.core.op import Op
from wengert.errors import InputError

__all__ = ["add_sequence", "multi_matmul", "multiply_sequence", "sliding_window_view"]


def add_sequence(*variables: Any, constant: bool | None = None) -> Any:
    """The sum of two or more tensors or arrays, which are broadcast: ``a + b + c + ...``.

    Raises ``ValueError`` for fewer than two, or if their shapes can't be broadcast together.

    >>> import wengert as wg
    >>> wg.add_sequence(wg.tensor([1.0, 2.0]), 10, [3, 4])
    Tensor([14., 16.])
    """
    return _folded(_SUM, variables, constant)


def multiply_sequence(*variables: Any, constant: bool | None = None) -> Any:
    """The product of two or more tensors or arrays, which are broadcast: ``a * b * c * ...``.

    The derivative by each is the product of the others, also where one of them is zero. Raises ``ValueError`` for fewer
    than two, or if their shapes can't be broadcast together.

    >>> import wengert as wg
    >>> x = wg.tensor([1.0, 2.0])
    >>> wg.multiply_sequence(x, 10.0, x).backward()
    >>> x.grad
    array([20., 40.])
    """
    return _folded(_PRODUCT, variables, constant)


_SUM = origin_of(lambda *xs: reduce(np.add, map(operand, xs)), "add_sequence")
_PRODUCT = origin_of(lambda *xs: reduce(np.multiply, map(operand, xs)), "multiply_sequence")


def _folded(origin: Op, variables: tuple[Any, ...], constant: bool | None) -> Any:
    check_constant(constant)
    if len(variables) < 2:
        raise ValueError(f"{origin.name} takes two or more tensors; got {len(variables)}.")
    return as_result(call(origin, variables, {}), constant)


def multi_matmul(tensors: Sequence[Any], *, constant: bool | None = None) -> Any:
    """The matrix product of two or more tensors, in the order of multiplication that costs least.

    ``tensors`` are matrices; the first and the last may be vectors, a row and a column, whose axis the result lacks.
    The order is found by dynamic programming over the shapes (Cormen, Leiserson, Rivest, Stein, Introduction to
    Algorithms, 15.2). Raises ``ValueError`` for fewer than two, for other numbers of axes, and if shapes don't match.

    >>> import wengert as wg
    >>> wg.multi_matmul([wg.ones((2, 3)), wg.ones((3, 4)), wg.ones(4)])
    Tensor([12., 12.])
    """
    check_constant(constant)
    chain = [operand(x) if isinstance(x, Box) else np.asarray(operand(x)) for x in tensors]
    if len(chain) < 2:
        raise ValueError(f"multi_matmul takes two or more tensors; got {len(chain)}.")
    for i, x in enumerate(chain):
        if x.ndim != 2 and not (x.ndim == 1 and i in (0, len(chain) - 1)):
            raise ValueError(
                f"multi_matmul takes matrices, and vectors in the first and the last place; tensor {i} of {len(chain)} "
                f"has shape {x.shape}."
            )
    row, column = chain[0].ndim == 1, chain[-1].ndim == 1
    sizes = [1 if row else chain[0].shape[0], *[x.shape[0] for x in chain[1:]], 1 if column else chain[-1].shape[1]]
    for i, x in enumerate(chain[:-1]):
        if x.shape[-1] != sizes[i + 1]:
            shapes = ", ".join([str(x.shape) for x in chain])
            raise ValueError(f"multi_matmul: the shapes {shapes} don't match between tensors {i} and {i + 1}.")
    splits = _splits(sizes)
    product = origin_of(lambda *xs: _product(xs, splits, 0, len(xs) - 1), "multi_matmul")
    return as_result(call(product, tuple(chain), {}), constant)


def _splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to split each stretch ``i..j`` of a chain, whose ``i``-th matrix is ``sizes[i]`` by ``sizes[i + 1]``."""
    count = len(sizes) - 1
    costs = {(i, i): 0 for i in range(count)}
    splits: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs[i, j], splits[i, j] = min(
                (costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return splits


def _product(chain: Sequence[Array], splits: dict[tuple[int, int], int], i: int, j: int) -> Array:
    if i == j:
        return chain[i]
    k = splits[i, j]
    return np.matmul(_product(chain, splits, i, k), _product(chain, splits, k + 1, j))


def sliding_window_view(
    arr: Any, window_shape: Sequence[int], step: int | Sequence[int], dilation: int | Sequence[int] | None = None
) -> Any:
    """A read-only view of ``arr`` in which windows slide along its last axes.

    ``window_shape`` has one length for each of those axes; ``step`` is how far a window moves each time; neighbours in
    a window are ``dilation`` apart in ``arr`` (1 if not given). Both are one integer, or one for each axis. The axes of
    the result are: where the window stands, then the axes of ``arr`` along which nothing slides, then the window's.
    The result is a plain array of a plain array and a tensor of a tensor, and shares memory; the gradient of an
    element is the sum over the windows that show it.

    Raises ``TypeError`` if ``window_shape`` isn't a sequence of positive integers, ``ValueError`` if a step or dilation
    isn't positive, if there are more windows than axes, or if a window does not fit.

    >>> import numpy as np, wengert as wg
    >>> wg.sliding_window_view(np.arange(7), (3,), step=2)
    array([[0, 1, 2],
           [2, 3, 4],
           [4, 5, 6]])
    >>> wg.sliding_window_view(np.arange(7), (3,), step=2, dilation=2)
    array([[0, 2, 4],
           [2, 4, 6]])
    """
    array: Array = operand(arr)
    array = array if isinstance(array, Box) else np.asarray(array)
    windows = _lengths("window_shape", window_shape)
    steps = _lengths("step", step, len(windows))
    dilations = _lengths("dilation", 1 if dilation is None else dilation, len(windows))
    first = array.ndim - len(windows)
    if first < 0:
        raise ValueError(
            f"sliding_window_view: window_shape={windows} has more axes than the array's shape {array.shape}."
        )
    extents = tuple([(w - 1) * d + 1 for w, d in zip(windows, dilations, strict=True)])
    if any([e > n for e, n in zip(extents, array.shape[first:], strict=True)]):
        raise ValueError(
            f"sliding_window_view: a window of shape {windows} with dilation={dilations} spans {extents}, which does "
            f"not fit into the last axes of an array of shape {array.shape}."
        )
    axes = tuple(range(first, array.ndim))
    view = numpys_windows(array, extents, axes)
    view = view[(slice(None),) * first + tuple([slice(None, None, n) for n in (*steps, *dilations)])]
    return np.moveaxis(view, axes, range(len(windows)))


def _lengths(name: str, given: Any, count: int | None = None) -> tuple[int, ...]:
    """``given``, positive integers, or one for all ``count`` axes, as a tuple."""
    if count is not None and not isinstance(given, Sequence | np.ndarray):
        given = (given,) * count
    try:
        numbers = tuple([index(n) for n in given])
    except TypeError:
        numbers = ()
    positive = bool(numbers) and min(numbers) > 0
    if not positive and (count is None or not numbers):
        raise InputError(f"sliding_window_view: {name}={given!r}; it must be positive integers.")
    if not positive or len(numbers) != (count or len(numbers)):
        raise ValueError(
            f"sliding_window_view: {name}={numbers}; it must be a positive integer, or one for each of the window's "
            f"{count} axes."
        )
    return numbers
