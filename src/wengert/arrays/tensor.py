"""``Tensor``: an array whose operations are recorded on the tape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert._types import NO_PARAMS, PLAIN, Array, DTypeLike, Params
from wengert.core.aliasing import View, shows
from wengert.core.arraylike import ArrayLike
from wengert.core.dispatch import Box, apply, operand
from wengert.core.masking import reach_of
from wengert.core.op import Op
from wengert.core.registry import ALONE
from wengert.core.sweep import sweep
from wengert.core.tape import Node, leaf, record
from wengert.errors import InputError, InvalidBackprop

__all__ = ["Tensor", "lift", "tensor"]


class Tensor(ArrayLike):
    """An array that records the operations it takes part in.

    Make one with :func:`wengert.tensor`. It behaves as the ``ndarray`` it holds: operators, methods, NumPy's ufuncs
    and functions all work on it and return tensors.

    Attributes: ``data`` (the array), ``grad`` (the gradient that ``backward`` left, or ``None``), ``creator`` (the
    node that recorded the operation it came from, or ``None``), ``constant`` (whether no derivative is taken with
    respect to it), ``base`` (the tensor that it is a view of, or ``None``).

    >>> import numpy as np, wengert as wg
    >>> x = wg.tensor([1.0, 2.0, 3.0])
    >>> np.sum(x * x).backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    __slots__ = ("_node",)

    _node: Node | None

    def __init__(
        self,
        data: Any,
        *,
        dtype: DTypeLike | None = None,
        constant: bool | None = None,
        copy: bool = True,
        ndmin: int = 0,
    ) -> None:
        made = tensor(data, dtype=dtype, constant=constant, copy=copy, ndmin=ndmin)
        self._inner = made._inner
        self._level = made._level
        self._view = made._view
        self._node = made._node

    # Reading

    @property
    def data(self) -> Any:
        """The array: the tensor's own memory, not a copy.

        Raises ``ConversionError`` inside a transformation, where computing with it would lose the gradient.
        """
        data = self._plain("x.data")
        if isinstance(data, np.generic):
            data = self._inner = np.asarray(data)
        return data

    @property
    def grad(self) -> np.ndarray[Any, Any] | None:
        """The gradient that the latest ``backward`` left, of the tensor's shape and dtype, or ``None``.

        A view's is a view of its base's.
        """
        node = self._current()._node
        view = self._view
        if view is not None and type(view.parent) is Tensor and view.parent._node is not None:
            g = view.parent.grad
            return None if g is None else view.op.fun(g, **view.params)
        if node is None or node.grad is None:
            return None
        if isinstance(node.grad, np.generic):
            node.grad = np.asarray(node.grad)
        return node.grad

    @property
    def creator(self) -> Node | None:
        """The node of the operation that made this tensor; ``None`` for a leaf, a constant, or once cleared."""
        node = self._current()._node
        return None if node is None or node.op is None or node.spent else node

    @property
    def constant(self) -> bool:
        """Whether no derivative is taken with respect to this tensor."""
        return self._current()._node is None

    def __repr__(self) -> str:
        inner = self._current()._inner
        if isinstance(inner, Box):
            return f"Tensor({inner!r})"
        body = repr(np.asarray(inner))
        return "Tensor" + body[len("array") :].replace("\n", "\n ")

    def __str__(self) -> str:
        return str(self._current()._inner)

    def __reduce__(self) -> Any:
        """Pickling keeps the data and whether it is a constant, not the history."""
        return _restored, (np.asarray(self._plain("pickle")), self.constant)

    # Derivatives

    def backward(self, grad: Any = None) -> None:
        """Leave in ``.grad`` of every tensor this one was computed from the derivative of this one's sum.

        ``grad`` weighs the elements (the cotangent; anything that broadcasts to this tensor's shape) instead of ones.
        The graph is cleared: a second call raises. Gradients of an earlier call are replaced, not added to. On a
        constant it does nothing.

        Raises ``InvalidBackprop`` if part of the graph has been cleared, ``ValueError`` if ``grad`` does not broadcast
        to the tensor's shape.

        >>> import wengert as wg
        >>> x = wg.tensor(3.0)
        >>> y = x * x
        >>> y.backward()
        >>> x.grad
        array(6.)
        """
        node = self._current()._node
        if node is None:
            return
        if self._level > 0:
            raise InvalidBackprop(
                "backward() was called inside a function that a transformation is differentiating. Return the value "
                "and let the transformation take its gradient, or nest wg.grad for a derivative of a derivative."
            )
        if node.op is None:
            node = self._live() or node
        g = cotangent(grad, node)
        sweep(node, g, every=True, seeded=grad is not None and reach_of(g) is not None)

    def detach(self) -> Tensor:
        """A constant tensor over the same array: no derivative flows through it."""
        return wrap(self._current()._inner, self._level, None)

    # Recording

    @property
    def _inert(self) -> bool:
        return self._node is None

    def _become(self, other: Any) -> None:
        if type(other) is Tensor and (other._level >= self._level or other._inert):
            other = other._current()
            self._inner, self._node, self._level = other._inner, other._node, max(self._level, other._level)
        else:
            if isinstance(other, Box):
                other._current()._view = None
            variable = self._level == 0 and self._node is not None and not isinstance(other, Box)
            self._inner, self._node = other, leaf(other.shape, other.dtype) if variable else None

    def _frozen(self) -> Tensor:
        node = self._renewed()._live()
        return wrap(self._inner, self._level, node)

    def _renewed(self) -> Any:
        """This tensor for use as an input: a view has taken over updates, and hangs on its base's live history."""
        chain: list[Any] = []
        box: Any = self
        while box._view is not None:
            chain.append(box)
            box = box._view.parent
        for box in reversed(chain):
            view = box._view
            if type(box) is Tensor and type(view.parent) is Tensor:
                node, root = box._node, view.parent._live()
                if root is not None and (node is None or node.spent or node.parents[0] is not root):
                    view.seen = None
            view.follow(box)
        return self

    def _live(self) -> Node | None:
        """The node for use as an input. A tensor that backward has passed starts a new history as a leaf."""
        node = self._node
        if node is not None and node.spent:
            node = self._node = leaf(node.shape, node.dtype)
        return node

    def _apply(self, op: Op, arrays: Sequence[Any], params: Params) -> Array:
        if len(arrays) == 1 and type(self._inner) in PLAIN and not op.variadic:
            return self._apply_alone(op, params)
        level = self._level
        nodes: list[Node | None] = []
        xs: list[Any] = []
        for a in arrays:
            if type(a) is Tensor and a._level == level:
                nodes.append(a._renewed()._live())
                xs.append(a._inner)
            else:
                nodes.append(None)
                inert = type(a) is Tensor and a._current()._inert
                xs.append(a._inner if inert else a._frozen() if isinstance(a, Box) else a)
        y = apply(op, xs, params)
        if y.dtype.kind not in "fc":
            if y.dtype.kind == "O":
                operand(y)  # raises
            return y if op.kind == "constant" else wrap(y, level, None)
        if op.is_blind:
            nodes = [None if rule is None else n for n, rule in zip(nodes, op.rules, strict=True)]
        live = op.kind != "constant" and any([n is not None for n in nodes])
        made = wrap(y, level, record(op, tuple(nodes), xs, y, params) if live else None)
        if op.put is not None and shows(y, xs[0]):
            parent = arrays[0] if isinstance(arrays[0], Tensor) else wrap(xs[0], level, None)
            made._view = View(op, params, parent, xs[0])
        return made

    def _apply_alone(self, op: Op, params: Params = NO_PARAMS) -> Array:
        """``op(self, **params)``: what ``_apply`` does, on a shorter way for the commonest case."""
        if self._view is not None:
            self._renewed()
        x = self._inner
        if type(x) not in PLAIN:
            return apply(op, (self,), params)
        y = op.fun(x, **params) if params else op.fun(x)
        node = self._node
        made = _new(Tensor)
        made._inner = y
        made._level = self._level
        made._view = None
        if node is None or op.is_constant or (params and y.dtype.kind not in "fc"):
            if op.is_constant and y.dtype.kind not in "fc":
                return y
            made._node = None
        else:
            if node.spent:
                node = self._live()
            keep_x, keep_y = op.keeps_alone
            made._node = Node(op, (node,), (x if keep_x else None,), y if keep_y else None, params, y.shape, y.dtype)
        if op.put is not None and shows(y, x):
            made._view = View(op, params, self, x)
        return made

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if not kwargs and len(args) == 1 and func in ALONE and type(args[0]) is Tensor:
            return args[0]._apply_alone(ALONE[func])
        return super().__array_function__(func, types, args, kwargs)


def wrap(data: Array, level: int, node: Node | None) -> Tensor:
    """A tensor over ``data`` as it is."""
    made: Tensor = _new(Tensor)
    made._inner = data
    made._level = level
    made._view = None
    made._node = node
    return made


def lift(x: Array, level: int) -> Tensor:
    """A variable of ``level`` over ``x``: what a transformation hands to the function it differentiates."""
    made: Tensor = _new(Tensor)
    made._inner = x
    made._level = level
    made._view = None
    made._node = Node(None, (), (), None, NO_PARAMS, x.shape, x.dtype)
    return made


_new: Any = object.__new__


def _restored(data: np.ndarray[Any, Any], constant: bool) -> Tensor:
    return tensor(data, constant=constant or None, copy=False)


def tensor(
    data: Any,
    dtype: DTypeLike | None = None,
    *,
    constant: bool | None = None,
    copy: bool = True,
    ndmin: int = 0,
) -> Tensor:
    """A tensor that holds ``data``: numbers, an array, nested sequences of them, or of tensors.

    ``dtype`` and ``ndmin`` are as in ``np.array``. With ``copy=False`` the tensor shares ``data``'s memory where
    NumPy can. A tensor of floating-point or complex numbers is a variable unless ``constant=True``; one of integers or
    booleans is always a constant. Where ``data`` is or contains tensors the result is recorded: derivatives flow
    through it.

    Raises ``InputError`` if the elements are not numbers, ``ValueError`` for ``constant=False`` with integers or
    booleans, ``TypeError`` if ``constant`` is not a bool or ``None``.

    >>> import wengert as wg
    >>> x = wg.tensor(2.0)
    >>> y = wg.tensor([x, 3 * x])
    >>> y.backward()
    >>> x.grad
    array(4.)
    """
    if constant is not None and not isinstance(constant, bool | np.bool_):
        raise TypeError(f"constant must be True, False or None, not {constant!r}.")
    stacked = stack_boxes(data)
    if stacked is not None:
        made = _recorded_copy(stacked, dtype, ndmin, copy)
    else:
        array = np.array(data, dtype=dtype, copy=True if copy else None, ndmin=ndmin)
        if array.dtype.kind not in "biufc":
            raise InputError(
                f"A tensor holds numbers; this data has dtype {array.dtype}. Convert it first, e.g. with "
                "np.asarray(data, dtype=float)."
            )
        made = wrap(array, 0, leaf(array.shape, array.dtype) if array.dtype.kind in "fc" else None)
    if constant is False and made.dtype.kind not in "fc":
        raise ValueError(
            f"A tensor of {made.dtype} is always a constant: derivatives are taken with respect to floating-point or "
            "complex numbers. Give dtype=float, or leave constant=False away."
        )
    return made.detach() if constant and not made.constant else made


def _recorded_copy(x: Array, dtype: DTypeLike | None, ndmin: int, copy: bool) -> Tensor:
    """``x`` as a new tensor, with its history."""
    y: Any = np.copy(x) if copy else x
    if dtype is not None and y.dtype != dtype:
        y = y.astype(dtype)
    if y.ndim < ndmin:
        y = np.reshape(y, (1,) * (ndmin - y.ndim) + y.shape)
    return y if isinstance(y, Tensor) else wrap(y, 0, None)


def stack_boxes(data: Any) -> Any:
    """``data`` as one box if it is one or is made of nested sequences that hold one, else ``None``."""
    if isinstance(data, Box):
        return data
    if isinstance(data, list | tuple) and data and any(holds_box(item) for item in data):
        return np.stack([item if (made := stack_boxes(item)) is None else made for item in data])
    return None


def holds_box(data: Any) -> bool:
    """Whether ``data`` is a box or nested sequences with one inside."""
    if isinstance(data, list | tuple):
        return any(holds_box(item) for item in data)
    return isinstance(data, Box)


def cotangent(grad: Any, node: Node) -> np.ndarray[Any, Any]:
    """``grad`` (ones if ``None``) as a cotangent of ``node``."""
    if grad is None:
        return np.ones(node.shape, node.dtype)
    array = np.asarray(grad)
    if array.dtype.kind not in "biufc":
        raise InputError(f"backward(grad) takes numbers; got dtype {array.dtype}.")
    if array.dtype.kind == "c" and node.dtype.kind != "c":
        raise InputError(f"backward(grad): grad is complex, the tensor real ({node.dtype}). Give a real grad.")
    try:
        return np.array(np.broadcast_to(array, node.shape), dtype=node.dtype)
    except ValueError:
        raise ValueError(
            f"backward(grad): grad of shape {array.shape} does not broadcast to the tensor's shape {node.shape}."
        ) from None
