"""``x.flat``: the elements of a boxed array one after another, to read, to write and to walk through."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from wengert.core.aliasing import innermost, keeps_gradient, model_of
from wengert.core.dispatch import Box, operand
from wengert.errors import ConversionError

__all__ = ["Flat"]


class Flat:
    """The elements of an array in C order, whatever its shape and layout: what ``x.flat`` is of a boxed ``x``.

    As of NumPy's ``flatiter``: iterating gives the elements, an index gives copies of some, assigning writes to the
    array and starts over when the values run out. All of it is recorded. Functions take it as the array of its
    elements.

    >>> import numpy as np, wengert as wg
    >>> x = wg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> np.sum(x.flat[1:3] * x.flat[-1]).backward()
    >>> x.grad
    array([[0., 4.],
           [4., 5.]])
    """

    __slots__ = ("_box", "_next")

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # as for arrays: == is elementwise

    def __init__(self, box: Any) -> None:
        self._box = box
        self._next = 0

    @property
    def base(self) -> Any:
        """The array whose elements these are."""
        return self._box

    @property
    def index(self) -> int:
        """The position of the element that ``next`` gives."""
        return self._next

    @property
    def coords(self) -> tuple[int, ...]:
        """The index, in the array, of the element that ``next`` gives."""
        return self._place(self._next)

    def copy(self) -> Any:
        """The elements in an array of one axis."""
        return self._box.flatten()

    def __len__(self) -> int:
        size: int = self._box.size
        return size

    def __iter__(self) -> Flat:
        return self

    def __next__(self) -> Any:
        if self._next >= len(self):
            raise StopIteration
        self._next += 1
        return self._box[self._place(self._next - 1)]

    def __contains__(self, value: Any) -> bool:
        return value in self._box

    def __getitem__(self, index: Any) -> Any:
        index = _only(index)
        if hasattr(index, "__index__") and not isinstance(index, bool | np.bool_) and np.ndim(index) == 0:
            return self._box[self._place(self._counted(operator.index(index)))]
        line = np.reshape(self._box, (-1,))
        return np.copy(line) if index is Ellipsis else np.copy(line[_positions(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        index, value = _only(index), operand(_arrays(value))
        positions = np.arange(len(self))[_positions(index)]
        if positions.ndim == 0 and np.ndim(value) > 0:
            raise ValueError(f"x.flat[{index}] is one element; the value has shape {np.shape(value)}.")
        if positions.size == 0 or np.size(value) == 0:
            return
        if np.ndim(value) > 0:
            value = np.reshape(value, (-1,))[np.arange(positions.size) % np.size(value)].reshape(positions.shape)
        if model_of(self._box).flags.c_contiguous:
            np.reshape(self._box, (-1,))[_positions(index)] = value
        else:
            self._box[np.unravel_index(positions, self._box.shape)] = value

    def _counted(self, position: int) -> int:
        """``position`` counted from the front."""
        size = len(self)
        if not -size <= position < size:
            raise IndexError(f"x.flat[{position}]: there are {size} elements.")
        return position % size

    def _place(self, position: int) -> tuple[int, ...]:
        """The index in the array of the element at ``position``."""
        if not self._box.shape:
            return ()
        place = []
        for n in reversed(self._box.shape[1:]):
            position, i = divmod(position, max(n, 1))
            place.append(i)
        return (position, *reversed(place))

    # NumPy's protocols: the array of the elements stands in

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if keeps_gradient(self._box):
            raise ConversionError(
                "x.flat was about to be turned into a plain array, which would lose its gradient. Give the array "
                "itself: np.ravel(x) in place of x.flat."
            )
        return np.asarray(innermost(self.copy()), dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*_arrays(inputs), **_arrays(kwargs))

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return func(*_arrays(args), **_arrays(kwargs))


def _only(index: Any) -> Any:
    """An index without a tuple around it, of which there is at most one part."""
    if isinstance(index, tuple):
        if len(index) > 1:
            raise IndexError(f"x.flat has one axis; {len(index)} were indexed.")
        index = index[0] if index else Ellipsis
    return index


def _positions(index: Any) -> Any:
    """``index`` for an array of one axis."""
    if index is None or isinstance(index, bool | np.bool_):
        raise IndexError(f"x.flat[{index}]: an index is an integer, a slice, an ellipsis or an array of integers.")
    return innermost(index) if isinstance(index, Box) else index


def _arrays(tree: Any) -> Any:
    """``tree`` with an array in place of each ``Flat``."""
    if isinstance(tree, Flat):
        return tree.copy()
    if type(tree) in (list, tuple):
        return type(tree)(map(_arrays, tree))
    if type(tree) is dict:
        return {key: _arrays(part) for key, part in tree.items()}
    return tree


def _operator(name: str) -> Callable[[Flat, Any], Any]:
    def method(self: Flat, other: Any) -> Any:
        compute: Callable[[Any, Any], Any] = getattr(operator, name)
        return compute(self.copy(), _arrays(other))

    return method


def _reflected(name: str) -> Callable[[Flat, Any], Any]:
    def method(self: Flat, other: Any) -> Any:
        compute: Callable[[Any, Any], Any] = getattr(operator, name)
        return compute(other, self.copy())

    return method


# As a ``flatiter``, it compares, and is the second operand of an array's arithmetic.
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Flat, f"__{_name}__", _operator(_name))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor"):
    setattr(Flat, f"__r{_name.rstrip('_')}__", _reflected(_name))
