"""``Tensor``: an array whose operations are recorded on the tape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from wengert._types import NO_PARAMS, PLAIN, Array, DTypeLike, Params
from wengert.core import fingerprints, modes
from wengert.core.aliasing import (
    Memory,
    View,
    blank,
    innermost,
    layout_of,
    memory_of,
    path_of,
    region,
    set_shape,
    shows,
)
from wengert.core.arraydata import check_constant
from wengert.core.arraylike import ArrayLike
from wengert.core.dispatch import Box, apply, is_open, operand
from wengert.core.guard import born_locked, hold, is_locked, keep, lock
from wengert.core.masking import reach_of
from wengert.core.op import Like, Op
from wengert.core.registry import ALONE
from wengert.core.sweep import sweep
from wengert.core.tape import FRESH, SAME, Node, clear, interpose, leaf, record
from wengert.errors import InputError, InvalidBackprop, backward_refused

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
        self._alias = made._alias
        self._node = made._node

    # Reading

    @property
    def data(self) -> Any:
        """The array: the tensor's own memory, not a copy. It is read-only while a live graph uses it.

        Raises ``ConversionError`` inside a transformation, where computing with it would lose the gradient.
        """
        data = self._plain("x.data")
        if isinstance(data, np.generic):
            data = self._inner = np.asarray(data)
        if self._level == 0:
            self._show(data)
        return data

    @data.setter
    def data(self, data: Any) -> None:
        """Give the tensor another array to hold, of the same shape and dtype; its history stays what it is."""
        held = self.data
        if data is held:  # as at the end of x.data += 1
            return
        array = np.asarray(data)
        if array.shape != held.shape or array.dtype != held.dtype:
            raise ValueError(
                f"x.data = ... takes an array of the tensor's shape {held.shape} and dtype {held.dtype}; got shape "
                f"{array.shape}, dtype {array.dtype}. Make another tensor: wg.tensor(array)."
            )
        if self._view is not None:
            held[...] = array
            return
        self._inner = array
        memory_of(self).pin()

    @property
    def grad(self) -> np.ndarray[Any, Any] | None:
        """The gradient that the latest ``backward`` left, of the tensor's shape and dtype, or ``None``.

        A view's is a view of its base's.
        """
        node = self._current()._node
        view = self._view
        if view is not None and type(view.parent) is Tensor and view.parent._node is not None:
            return self._shown_grad(view)
        if node is None or node.grad is None:
            return None
        if type(node.grad) is not np.ndarray or node.grad.base is not None:
            node.grad = np.array(node.grad)
        return node.grad

    def _shown_grad(self, view: View) -> np.ndarray[Any, Any] | None:
        """What this tensor, a view, shows of its base's gradient."""
        root, path = path_of(self)
        g = root.grad  # type: ignore[attr-defined]  # a tensor
        if g is None or g is view.muted:
            return None
        shown = region(g, path)
        if not np.may_share_memory(shown, g) and g.size:
            node = root._node  # type: ignore[attr-defined]  # likewise
            node.grad = blank(*layout_of(root._inner))
            node.grad[...] = g
            shown = region(node.grad, path)
        return shown

    @property
    def creator(self) -> Node | None:
        """The node of the operation that made this tensor; ``None`` for a leaf, or once cleared."""
        node = self._current()._origin
        return None if node is None or node.op in (None, SAME) or node.spent else node.params.get("creator", node)

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
        if modes.special:
            if self._level < modes.floor():
                return
            if modes.tracing and modes.trace() is not None:
                raise backward_refused()
        node = self._current()._node
        if node is None:
            self.clear_graph()
            return
        if self._level > 0:
            raise InvalidBackprop(
                "backward() was called inside a function that a transformation is differentiating. Return the value "
                "and let the transformation take its gradient, or nest wg.grad for a derivative of a derivative."
            )
        if node.op is None:
            node = self._live()
        g = cotangent(grad, node)
        sweep(node, g, every=True, seeded=grad is not None and reach_of(g) is not None)

    def clear_graph(self) -> None:
        """Forget how this tensor came about, and what it came from: arrays are unlocked, saved values freed.

        Gradients stay. Backpropagation that later reaches what was cleared raises ``InvalidBackprop``.

        >>> import wengert as wg
        >>> x = wg.tensor(2.0)
        >>> y = 3 * x
        >>> y.clear_graph()
        >>> y.creator is None
        True
        """
        node = self._current()._origin
        if node is not None:
            clear(node)

    def null_grad(self) -> Tensor:
        """Set ``grad`` to ``None``; returns the tensor itself. A view's base keeps its gradient.

        >>> import wengert as wg
        >>> x = wg.tensor(2.0)
        >>> (x * x).backward()
        >>> x.null_grad().grad is None
        True
        """
        view, node = self._view, self._current()._node
        if view is not None:
            root: Any = path_of(self)[0]
            view.muted = root.grad
        elif node is not None:
            node.grad = None
        return self

    def detach(self) -> Tensor:
        """A constant tensor over the same array: no derivative flows through it."""
        data = self._bare()
        return constant_over(data.detach() if isinstance(data, Box) and data._symbolic else data, self._level)  # type: ignore[attr-defined]  # it has that

    def _flagged(self, constant: bool, inputs: Sequence[Any] = ()) -> Tensor:
        if self._level > 0:
            return constant_over(innermost(self), 0) if constant else self
        if constant is self.constant:
            return self
        if constant:
            made = constant_over(self._bare(), 0)
            made._alias.origin = self._node
            return made
        made = self
        if self._view is not None or any([self is x for x in inputs]):
            made = constant_over(self._bare(), 0)
        made._node = FRESH
        if made._alias is not None:
            made._alias.origin = None
        return made

    def copy(self, order: Any = "C", *, constant: bool | None = None) -> Tensor:
        """A copy, recorded: derivatives flow through it. Its ``grad`` is a copy of this tensor's, which stays."""
        g = self.grad
        made: Tensor = super().copy(order, constant=constant)
        if g is not None and self._node is not None:
            if self._view is None:
                self._node.grad = g
                memory_of(self)  # so that the next use forgets the gradient
            if made._node is not None and made._level == 0:
                made._live()
                made._node.grad = g.copy()
                memory_of(made)  # likewise
        return made

    def astype(self, dtype: Any, *args: Any, constant: bool | None = None, **kwargs: Any) -> Tensor:
        """The elements converted, recorded: derivatives flow through it. Of a constant, a variable if that can be."""
        made: Tensor = super().astype(dtype, *args, constant=constant, **kwargs)
        if made is self or constant or made._node is not None or made._level > 0 or made.dtype.kind not in "fc":
            return made
        return variable_over(made)

    # Memory

    def _set_shape(self, shape: Any) -> None:
        set_shape(self, shape)

    def _show(self, array: np.ndarray[Any, Any]) -> None:
        """``array``, this tensor's own, is handed out: what uses it now holds it, and what will use it."""
        memory = memory_of(self)
        if not memory.shown:
            memory.shown = True
            root: Any = path_of(self)[0]
            if type(root) is Tensor and root._is_used():
                used: Any = root._node
                root._node = interpose(used)
                if not modes.was_unguarded(used.number):
                    used.keep(lock(root._inner))
        node = self._node or memory.origin
        if node is not None and node.op is not None and not node.spent and not modes.was_unguarded(node.number):
            node.keep(lock(array))

    def _is_used(self) -> bool:
        """Whether this tensor is a leaf, and a live graph or view refers to it."""
        node = self._node
        return node is not None and node.op is None and not node.spent and getrefcount(node) > _OWN_REFERENCES

    def _moved_to(self, array: np.ndarray[Any, Any]) -> Tensor:
        node = self._current()._origin
        self._alias = Memory(shown=True, origin=node if self._node is None else None)
        self._inner = array
        if node is not None and not node.spent:
            node.keep(hold(array))
        return self

    def _assign(self, op: Op, path: tuple[Any, ...], index: Any, value: Array) -> bool:
        level = self._level
        source: Tensor | None = None
        if type(self._inner) is not np.ndarray or not is_open(level):
            return False
        if isinstance(value, Box):
            value = value._current()
            if type(value) is Tensor and value._level == level and not value._inert:
                source = value
            elif not value._inert:
                return False
            value = value._inner
            if isinstance(value, Box):
                return False
        if modes.special and level < modes.floor():
            if self._is_locked():
                raise ValueError("assignment destination is read-only")
            op.update(region(self._inner, path), index, value)  # type: ignore[misc]  # an update
            return True
        array = self._own()
        op.update(region(array, path), index, value)  # type: ignore[misc]  # likewise
        if array is not self._inner:
            self._inner = array
            if self._alias is not None or array.base is not None:
                memory_of(self).renew()
        if self._node is None and (source is None or level == 0):
            return True
        params = {"index": index}
        if path:
            params |= {"path": path, "order": layout_of(array)[2]}
        node = None if self._node is None else self._live()
        written = None if source is None else source._renewed()._live()
        self._node = Node(op, (node, written), _NEITHER, None, params, array.shape, array.dtype)
        return True

    def _own(self) -> np.ndarray[Any, Any]:
        """The array if an update may write to it, else a copy."""
        alias = self._alias
        array = self._inner
        if alias is None:
            mine = array.base is None and getrefcount(array) <= _OWN_REFERENCES
            if mine and (array.flags.writeable or not is_locked(array)):  # an operation of a lower level may lock it
                return array
        elif self._level == 0 and not array.flags.writeable and not is_locked(array):
            raise ValueError("assignment destination is read-only")
        elif not alias.pinned and array.flags.writeable:
            alias.settle(array)
            return array
        copy = blank(*layout_of(array))
        copy[...] = array
        return copy

    def _is_locked(self) -> bool:
        """Whether a live graph uses the array, or NumPy wouldn't let it be written to."""
        node = self._node
        if node is not None and not node.spent and not modes.was_unguarded(node.number):
            return node.op is not None or self._is_used()
        return not self._inner.flags.writeable

    def _around(self, y: Any) -> Tensor:
        made = wrap(y, self._level, None)
        view = y._view
        if view is not None and isinstance(view.parent, Tensor):
            made._alias = View(view.op, view.params, view.parent, view.parent._inner)
        return made

    # Recording

    @property
    def _history(self) -> Node | None:
        return self._node

    @property
    def _origin(self) -> Node | None:
        """The node of what this tensor came from, be it a variable or a constant."""
        if self._node is not None:
            return self._node
        alias = self._alias
        return None if alias is None or alias.is_view else alias.origin

    @property
    def _inert(self) -> bool:
        return self._node is None

    def _become(self, other: Any) -> None:
        if type(other) is Tensor and (other._level >= self._level or other._inert):
            other = other._current()
            node = other._node
            if (node is None) is not (self._node is None) and self._level == other._level == 0:
                node = FRESH if node is None else None  # a person's variable stays one, and a constant, too
            self._inner, self._node, self._level = other._inner, node, max(self._level, other._level)
        else:
            if isinstance(other, Box):
                other._current()._alias = None
            variable = self._level == 0 and self._node is not None and not isinstance(other, Box)
            self._inner, self._node = other, FRESH if variable else None
        if self._alias is not None and not self._alias.is_view:
            self._alias.renew()
            self._alias.pinned = True

    def _frozen(self) -> Tensor:
        node = self._renewed()._live()
        made = wrap(self._bare(), self._level, node)
        if self._alias is not None and memory_of(self).shown:
            made._alias = Memory(shown=True)
        return made

    def _renewed(self) -> Any:
        """This tensor for use as an input: a view has taken over updates, and hangs on its base's live history."""
        if self._view is None:
            return self
        chain: list[Any] = []
        box: Any = self
        while box._view is not None:
            chain.append(box)
            box = box._view.parent
        if type(box) is Tensor:
            box._live(keeps=True)
        for box in reversed(chain):
            view = box._view
            if type(box) is Tensor and box._node is not None and box._node.spent:
                view.seen = None
            view.follow(box)
        return self

    def _live(self, keeps: bool = False) -> Node | None:
        """The node for use as an input. A tensor that backward has passed starts a new history as a leaf.

        Its gradient is forgotten, unless it ``keeps`` that.
        """
        node = self._node
        if node is not None and node.spent:
            g = node.grad
            node = self._node = leaf(self._inner.shape, self._inner.dtype)
            if keeps:
                node.grad = g
        elif node is not None and not keeps and node.grad is not None:
            node.grad = None
        return node

    def _apply(self, op: Op, arrays: Sequence[Any], params: Params) -> Array:
        level = self._level
        if modes.special and level < modes.floor():
            return self._evaluated(op, arrays, params)
        mine = [type(a) is Tensor and a._level == level for a in arrays]
        xs: list[Any] = []
        for a, is_mine in zip(arrays, mine, strict=True):
            if is_mine:
                if a._alias is not None:
                    a._renewed()
                xs.append(a._inner)
            else:
                inert = type(a) is Tensor and a._current()._inert
                xs.append(a._bare() if inert else a._frozen() if isinstance(a, Box) else a)
        y = apply(op, xs, params)
        nodes: list[Node | None] = [None] * len(xs)
        for i, a in enumerate(arrays):  # not before: if the operation fails, gradients stay
            if mine[i]:
                nodes[i] = a._node if op.is_constant else a._live(bool(op.view))
        if y.dtype.kind not in "fc":
            if y.dtype.kind == "O":
                operand(y)  # raises
            if op.is_constant:
                return y
        if op.is_blind:
            nodes = [None if rule is None else n for n, rule in zip(nodes, op.rules, strict=True)]
        live = not op.is_constant and y.dtype.kind in "fc" and any([n is not None for n in nodes])
        node = record(op, tuple(nodes), xs, y, params) if live else None
        made = wrap(y, level, node)
        if op.fresh and level == 0 and y.dtype.kind in "fc":
            made._node = FRESH
            return made
        if node is None and level == 0:
            node = Node(op, (None,) * len(xs), (), None, params, y.shape, y.dtype)
            made._alias = Memory(shown=True, origin=node)
        if node is not None:
            _note(node, arrays)
            _lock(node, level, arrays, xs)
            if modes.special and modes.debugging():
                fingerprints.take(node)
        if op.view and shows(y, xs[0]):
            parent = arrays[0] if isinstance(arrays[0], Tensor) else wrap(xs[0], level, None)
            if memory_of(parent).shown and op.view != "read-only":
                born_locked(y)
            made._alias = View(op, params, parent, xs[0])
            if made._node is None:
                made._alias.held = node
        elif op.view and nodes[0] is not None:
            nodes[0].grad = None
        return made

    def _evaluated(self, op: Op, arrays: Sequence[Any], params: Params) -> Array:
        """``op(*arrays, **params)``, not recorded."""
        xs = [a._current()._inner if isinstance(a, Box) else a for a in arrays]
        y = apply(op, xs, params)
        if y.dtype.kind not in "fc":
            return y if op.is_constant else wrap(y, 0, None)
        variable = not op.is_constant and any([isinstance(a, Tensor) and a._node is not None for a in arrays])
        made = wrap(y, 0, FRESH if variable else None)
        if op.view and isinstance(arrays[0], Tensor) and shows(y, xs[0]):
            memory_of(arrays[0])
            made._alias = View(op, params, arrays[0], xs[0])
        return made

    def _apply_alone(self, op: Op, params: Params = NO_PARAMS) -> Array:
        """``op(self, **params)``: what ``_apply`` does, on a shorter way for the commonest case."""
        x = self._inner
        alias = self._alias
        node = self._node
        if modes.special or type(x) not in PLAIN or node is None or op.is_constant or op.variadic:
            if modes.special and self._level == 0 and modes.floor():
                return self._evaluated(op, (self,), params)
            return apply(op, (self,), params)
        memory = None
        if alias is not None:
            memory = unseen_memory(self)
            if memory is None:
                return apply(op, (self,), params)
        y = op.fun(x, **params) if params else op.fun(x)
        if params and y.dtype.kind not in "fc":
            return apply(op, (self,), params)
        made = _new(Tensor)
        made._inner = y
        made._level = self._level
        made._alias = None
        if node.spent:
            node = self._live(bool(op.view))
        keep_x, keep_y = op.keeps_alone
        made._node = Node(op, (node,), (x if keep_x else None,), y if keep_y else None, params, y.shape, y.dtype)
        if keep_x and memory is not None:
            memory.note(made._node)
        if op.view and shows(y, x):
            memory_of(self)
            made._alias = View(op, params, self, x)
        elif op.view:
            node.grad = None  # type: ignore[union-attr]  # a variable has a node
        return made

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if not kwargs and len(args) == 1 and func in ALONE and type(args[0]) is Tensor:
            x, op = args[0], ALONE[func]
            if modes.special and modes.floor() and x._alias is None and x._level == 0 and op.is_pure:
                return wrap(op.fun(x._inner), 0, x._node and FRESH)
            return x._apply_alone(op)
        return super().__array_function__(func, types, args, kwargs)


def wrap(data: Array, level: int, node: Node | None) -> Tensor:
    """A tensor over ``data`` as it is."""
    made: Tensor = _new(Tensor)
    made._inner = data
    made._level = level
    made._alias = None
    made._node = node
    return made


def lift(x: Array, level: int) -> Tensor:
    """A variable of ``level`` over ``x``: what a transformation hands to the function it differentiates."""
    made: Tensor = _new(Tensor)
    made._inner = x
    made._level = level
    made._alias = None
    made._node = Node(None, (), (), None, NO_PARAMS, x.shape, x.dtype)
    return made


_new: Any = object.__new__
_NEITHER = (None, None)


def _variables(node: Node) -> tuple[Tensor | None, ...]:
    """An operation's inputs, as far as the tape keeps their values; ``None`` for the others."""
    xs = node.xs or (None,) * len(node.parents)
    return tuple([
        None if x is None or isinstance(x, Like) else wrap(x, 0, p) if p else constant_over(np.asarray(x), 0)
        for x, p in zip(xs, node.parents, strict=True)
    ])  # fmt: skip


setattr(Node, "variables", property(_variables))  # noqa: B010 - which ``core`` could not make, as it knows no tensors


def unseen_memory(box: Tensor) -> Memory | None:
    """The record of the memory that ``box`` is in, where that is up to date and nobody need hold the array.

    And where the box has no gradient that its use in an operation takes away.
    """
    alias: Any = box._alias
    node = box._node
    if node is not None and node.grad is not None:
        return None
    if alias.is_view:
        parent = alias.parent
        if type(parent) is not Tensor or parent._inner is not alias.seen or parent._node is not alias.history:
            return None
        history, alias = parent._node, parent._alias
        if (
            alias is None
            or alias.is_view
            or (node is not None and node.spent)
            or (history is not None and history.spent)
        ):
            return None
    return None if alias.shown else alias


def variable_over(made: Tensor) -> Tensor:
    """A leaf over the memory of a constant."""
    leaf_tensor = wrap(made._bare(), 0, FRESH)
    leaf_tensor._alias = Memory(shown=True)
    return leaf_tensor


def constant_over(data: Array, level: int) -> Tensor:
    """A constant over memory that others have, too."""
    made = wrap(data, level, None)
    made._alias = Memory(shown=True)
    return made


def _note(node: Node, arrays: Sequence[Any]) -> None:
    """Let the memory that inputs of ``node`` are in know which of them it has saved."""
    foreign = node.op is not None and node.op.joint is not None  # a person's own code may keep more
    for a, x in zip(arrays, node.xs, strict=False):
        if type(a) is Tensor and a._alias is not None and type(x) is np.ndarray:
            memory_of(a).note(node)
        if foreign and isinstance(a, Tensor):
            memory_of(a).pin()


def _lock(node: Node, level: int, arrays: Sequence[Any], xs: Sequence[Any]) -> None:
    """Lock those inputs of an operation that a person can reach, for as long as ``node`` is there."""
    for a, x in zip(arrays, xs, strict=True):
        if type(x) is np.ndarray and (type(a) is not Tensor or (a._alias is not None and memory_of(a).shown)):
            held = hold(x)
            if held is not None:
                keep(node, level, held)


def _own_references() -> int:
    """What ``getrefcount`` says within a method of something that the tensor alone refers to."""
    node = leaf((), np.dtype(float))
    return getrefcount(node)


_OWN_REFERENCES = _own_references() + 1
"""What it says there of something that is in one of the tensor's slots and in a local variable."""


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
    check_constant(constant)
    if modes.tracing and (trace := modes.trace()) is not None and not holds_box(data):
        data = wrap(trace.made(data), 0, None)
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
        variable = array.dtype.kind in "fc" and not constant
        made = wrap(array, 0, FRESH if variable else None)
        if not variable or (not copy and isinstance(data, np.ndarray)):
            made._alias = Memory(shown=True)
    if constant is False and made.dtype.kind not in "fc":
        raise ValueError(
            f"A tensor of {made.dtype} is always a constant: derivatives are taken with respect to floating-point or "
            "complex numbers. Give dtype=float, or leave constant=False away."
        )
    anew = constant is False or (copy and not constant)
    if anew and made.constant and made.dtype.kind in "fc" and not isinstance(made._inner, Box):
        return variable_over(made)
    symbolic = isinstance(made._inner, Box) and made._inner._symbolic
    return made.detach() if constant and (symbolic or not made.constant) else made


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
