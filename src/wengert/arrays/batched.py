"""Batches: arrays that stand for one example, and hold all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from wengert._types import Array, Params, Shape
from wengert.arrays.tensor import constant_over
from wengert.core.aliasing import View, innermost, layout_of, model_of, of_all_examples, set_shape, shows
from wengert.core.arraylike import ArrayLike
from wengert.core.dispatch import Box, apply, is_open
from wengert.core.op import Op
from wengert.errors import ConversionError
from wengert.ops.batching import Mapped, Same, laid_out, rule_of

__all__ = ["Batched", "batch_first", "batched", "make_batched"]


class Batched(ArrayLike):
    """One example of a batch, as the function that ``vmap`` maps sees it; all of them are computed together.

    Shape, dtype and layout are those of one example. The elements can't be asked for, as there are many of each:
    Python's ``if``, ``float()`` and ``int()`` raise ``ConversionError``. What it holds has the batch axis in front,
    unless it is the same for all examples.

    >>> import numpy as np, wengert as wg
    >>> def shown(x):
    ...     print(x)
    ...     return 2.0 * x
    >>> wg.vmap(shown)(np.ones((5, 3), np.float32)).shape
    Batched(float32, shape=(3,), examples=5)
    (5, 3)
    """

    __slots__ = ("_count", "_has_no_axes", "_mapped")

    _count: int
    """How many examples there are."""
    _mapped: bool
    """Whether what the box holds has the batch axis; otherwise it is the same for all examples."""
    _has_no_axes: bool
    """Of an example without axes: whether it is an array, not one of NumPy's scalars."""

    _symbolic = True

    @property
    def shape(self) -> Shape:
        """Lengths of the axes of one example."""
        shape: Shape = self._current()._inner.shape
        return shape[1:] if self._mapped else shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        set_shape(self, shape)

    def _set_shape(self, shape: Any) -> None:
        set_shape(self, shape)

    @property
    def ndim(self) -> int:
        """Number of axes of one example."""
        return len(self._current()._inner.shape) - self._mapped

    @property
    def size(self) -> int:
        """Number of elements of one example."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from an element to the next along each axis of one example."""
        return np.asarray(self._current()._model).strides

    @property
    def flags(self) -> Any:
        """How the elements of one example lie in memory."""
        return np.asarray(self._current()._model).flags

    @property
    def _model(self) -> Any:
        """A plain array of the shape, dtype and layout of one example."""
        model = model_of(self._inner)
        if self._mapped:
            model = model[0] if len(model) else np.empty(model.shape[1:], model.dtype)[()]
        elif not model.ndim and not isinstance(self._inner, np.ndarray):
            model = model[()]
        return np.asarray(model) if self._has_no_axes else model

    def detach(self) -> Any:
        """The same examples: no derivative flows through them."""
        bare = self._undifferentiated()
        return bare._frozen() if isinstance(bare, Box) else constant_over(bare, 0)

    def _flagged(self, constant: bool, inputs: Sequence[Any] = ()) -> Any:
        return constant_over(innermost(self), 0) if constant else self

    def __repr__(self) -> str:
        if not self._mapped:
            return f"Batched({self._current()._inner!r})"
        return f"Batched({self.dtype}, shape={self.shape}, examples={self._count})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    # What a box does

    @property
    def _history(self) -> Array:
        return self._inner

    @property
    def _inert(self) -> bool:
        return not self._mapped

    def _undifferentiated(self) -> Any:
        inner = self._current()._inner
        bare = innermost(inner)
        if not self._mapped:
            return bare
        return self if bare is inner else make_batched(bare, self._count, self._level, True, self._has_no_axes)

    def _laid_out_as(self, model: np.ndarray[Any, Any]) -> Any:
        if not self._current()._mapped or self._model.strides == model.strides:
            return self
        inner = laid_out(self._inner, layout_of(model)[2])
        return make_batched(inner, self._count, self._level, True, self._has_no_axes)

    def _of_all_examples(self) -> Any:
        return of_all_examples(self._current()._inner)

    def _become(self, other: Any) -> None:
        if type(other) is Batched and other._level == self._level:
            other = other._current()
            self._inner, self._mapped = other._inner, other._mapped
        else:
            if isinstance(other, Box):
                other._current()._alias = None
            self._inner, self._mapped = other, False

    def _frozen(self) -> Batched:
        self._current()
        return make_batched(self._inner, self._count, self._level, self._mapped, self._has_no_axes)

    def _bare(self) -> Any:
        self._current()
        if self._mapped and not is_open(self._level):
            raise ConversionError(
                f"An array of shape {self.shape} that stood for {self._count} examples is used outside the function "
                "that wg.vmap mapped. Return it from that function instead of keeping it."
            )
        return super()._bare()

    def _plain(self, what: str) -> Any:
        if not self._current()._mapped:
            return super()._plain(what)
        raise ConversionError(_needed(what, self))

    def _shared(self, what: str) -> Any:
        return np.asarray(self._plain(what))

    def __bool__(self) -> bool:
        return bool(self._plain("if, while, and, or or bool()"))

    def __reduce__(self) -> NoReturn:
        raise ConversionError(_needed("pickle", self))

    def _apply(self, op: Op, arrays: Sequence[Any], params: Params) -> Array:
        level = self._level
        xs: list[Any] = []
        mapped: list[bool] = []
        for a in arrays:
            if type(a) is Batched and a._level == level:
                if a._alias is not None:
                    a._alias.refresh(a)
                a, is_mapped = a._inner, a._mapped
            else:
                is_mapped = False
            xs.append(a)
            mapped.append(is_mapped)
        if params:
            params = {name: p if type(p) in _SIMPLE else _unboxed(p, level, self._count) for name, p in params.items()}
        differs = bool(params) and any([_differs(p) for p in params.values()])
        if True not in mapped and not differs:
            y: Any = Same(apply(op, xs, params))
        else:
            y = rule_of(op)(op, xs, mapped, params, self._count)
        is_mapped = type(y) is not Same
        if not is_mapped:
            y = y.value
        if type(y) is tuple:
            return tuple([self._result(part, is_mapped) for part in y])
        made = self._result(y, is_mapped)
        if not differs and (op.view or op.fresh or op.name in _OF_ARRAYS):
            self._alias_result(made, op, arrays[0], xs[0], params)
        if is_mapped and made._alias is None:
            made._inner = _each_by_itself(made._inner)
        return made

    def _result(self, y: Array, mapped: bool) -> Batched:
        return batched(y, self._count, self._level, mapped)

    def _alias_result(self, made: Batched, op: Op, parent: Any, x: Array, params: Params) -> None:
        """Find out whether NumPy would have returned a view, of one example, and a scalar or an array."""
        if made._mapped and op.view and type(parent) is Batched and parent._level == self._level and parent._mapped:
            model = parent._model
            of_one = op.fun(model, **params)
            is_view = isinstance(of_one, np.ndarray) and isinstance(model, np.ndarray) and shows(of_one, model)
            if made.ndim == 0:
                made._has_no_axes = isinstance(of_one, np.ndarray)
            if is_view:
                made._alias = View(op, params, parent, x)
                made._alias.shape = parent.shape
            elif shows(made._inner, x):
                made._inner = np.copy(made._inner, "K")
        elif not made._mapped and op.view and shows(made._inner, x):
            if type(parent) is not Batched or parent._level != self._level:
                parent = batched(x, self._count, self._level, False)
            made._has_no_axes = made.ndim == 0
            made._alias = View(op, params, parent, x)
        else:
            made._has_no_axes = made.ndim == 0


def make_batched(inner: Array, count: int, level: int, mapped: bool, has_no_axes: bool) -> Batched:
    """The same, with all that there is to say; ``has_no_axes``, of an array without axes that is no scalar."""
    made: Batched = object.__new__(Batched)
    made._inner = inner
    made._count = count
    made._level = level
    made._mapped = mapped
    made._has_no_axes = has_no_axes
    made._alias = None
    return made


def batched(inner: Array, count: int, level: int, mapped: bool = True) -> Batched:
    """A box of ``level`` over ``inner``, with ``count`` examples along its first axis if it is ``mapped``."""
    return make_batched(inner, count, level, mapped, False)


def batch_first(x: Array, axis: int) -> Array:
    """``x`` with the batch axis, ``axis``, in front, and each example by itself in memory, ordered as in ``x``."""
    return _each_by_itself(np.moveaxis(x, axis, 0) if axis else x)


def _each_by_itself(y: Array) -> Array:
    """``y``, or a copy in which the examples lie in memory one after another, ordered as in ``y``."""
    model = y if type(y) is np.ndarray else model_of(y)
    if model.ndim < 2 or model.flags.c_contiguous or len(model) < 2 or not model.size:
        return y
    steps = [abs(s) for s in model.strides]
    return (
        laid_out(y, steps[1:]) if steps[0] < max([s for s, n in zip(steps, model.shape, strict=True) if n > 1]) else y
    )


_SIMPLE = frozenset({int, float, bool, str, type(None), np.dtype, np.ndarray})
_OF_ARRAYS = frozenset({"copy", "reshape", "update", "add_at", "fill"})
"""Operations whose result is an array even if it has no axes."""


def _unboxed(param: Any, level: int, count: int) -> Any:
    """A parameter with ``Mapped`` in place of the boxes of ``level`` in it, and of traced positions."""
    if type(param) is Batched and param._level == level:
        param = param._current()
        return Mapped(param._inner) if param._mapped else param._inner
    if isinstance(param, Box) and param._symbolic and type(param) is not Batched:
        positions: Any = param
        return Mapped(np.broadcast_to(positions, (count, *positions.shape)))
    if type(param) is tuple or type(param) is list:
        return type(param)([p if type(p) in _SIMPLE else _unboxed(p, level, count) for p in param])
    return param


def _differs(param: Any) -> bool:
    if type(param) in _SIMPLE:
        return False
    return type(param) is Mapped or (type(param) in (tuple, list) and any([_differs(p) for p in param]))


_REMEDIES = {
    "use as an index": "To read a plain array at a position that differs from example to example, make it a tensor, "
    "wg.tensor(array)[i], or pass it as an argument with in_axes=None",
    "np.asarray": "Functions that NumPy does not dispatch (math.*, other libraries, plain_array[i] = x) can't work on "
    "it; use NumPy's, and np.stack([...]) in place of np.array([...]). To read plain_array[i], write "
    "wg.tensor(plain_array)[i]; to write into an array, make it with np.zeros_like(x)",
    "if, while, and, or or bool()": "Choose elements with np.where(condition, a, b), branch with wg.cond, "
    "loop with wg.while_loop; combine conditions with & and |",
}


def _needed(what: str, x: Batched) -> str:
    """The message where the elements of one example are asked for."""
    remedy = _REMEDIES.get(what, "Compute with NumPy's functions, and choose elements with np.where(condition, a, b)")
    return (
        f"vmap: {what} needs the value of one example, and this array of shape {x.shape} and dtype {x.dtype} stands "
        f"for {x._count} of them. {remedy}."
    )
