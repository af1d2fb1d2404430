"""Rules of a person's own, and the way out of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from wengert._types import Array, Tree
from wengert.arrays.batched import batched
from wengert.arrays.tensor import wrap
from wengert.core.aliasing import innermost
from wengert.core.dispatch import Box, apply, core_of
from wengert.core.op import Op
from wengert.core.trees import flatten, is_leaf, tree_map
from wengert.errors import InvalidGradient, OutputError
from wengert.transforms.arguments import as_array, name_of
from wengert.transforms.vmap import examples, over_batch

__all__ = ["custom_gradient", "stop_gradient"]


def custom_gradient(f: Callable[..., tuple[Tree, Callable[[Tree], Any]]]) -> Callable[..., Tree]:
    """Decorates a function that returns its value and its pullback; calls of it return the value.

    ``f(*args) -> (value, pullback)``, with trees of arrays for arguments and value. ``pullback(g)`` takes a cotangent
    like the value and returns the argument's cotangent (a tree of the argument's structure and shapes), or a tuple of
    them if there are several arguments; ``None`` stands for an argument that has no derivative. ``f`` gets plain
    arrays, except that for derivatives of higher order it is called on traced ones, so it should be written with NumPy
    functions. On plain arrays calling the decorated function costs what ``f`` costs. Forward mode is derived from the
    pullback.

    Raises ``OutputError`` if ``f`` does not return such a pair, ``InvalidGradient`` if what the pullback returns does
    not match the arguments in structure or shape.

    >>> import numpy as np, wengert as wg
    >>> @wg.custom_gradient
    ... def log1pexp(x):
    ...     e = np.exp(x)
    ...     return np.log(1 + e), lambda g: g * (1 - 1 / (1 + e))
    >>> wg.grad(log1pexp)(0.0)
    0.5
    """
    name = name_of(f)
    op = Op(f"custom_gradient({name})", "structured", _run, ("*xs",), joint=_pull_back)

    @wraps(f)
    def with_gradient(*args: Any) -> Any:
        leaves, build = flatten(args)
        if not any([isinstance(x, Box) for x in leaves]):
            return _pair(name, f(*args))[0]
        places = [i for i, x in enumerate(leaves) if is_leaf(x)]

        def arguments(arrays: Sequence[Array]) -> Any:
            for i, x in zip(places, arrays, strict=True):
                leaves[i] = x
            return build(list(leaves))

        call = _Call(name, f, arguments, min(_levels(leaves)))
        y = apply(op, [as_array(leaves[i]) for i in places], {"call": call})
        return call.unpack(y)

    return with_gradient


class _Call:
    """One call of a function with a pullback: how its arguments are put together, and its value taken apart."""

    __slots__ = ("arguments", "build", "f", "level", "name", "pullback", "shapes")

    def __init__(
        self, name: str, f: Callable[..., Any], arguments: Callable[[Sequence[Array]], Any], level: int
    ) -> None:
        self.name = name
        self.f = f
        self.arguments = arguments
        self.level = level
        self.pullback: Callable[[Tree], Any] | None = None
        self.build: Callable[[list[Any]], Tree] | None = None
        self.shapes: list[tuple[int, ...]] = []

    def over_batch(self, mapped: Sequence[bool], count: int) -> _Call:
        """The call on a batch of examples of those arrays that are ``mapped``."""
        return _CallOnBatch(self, mapped, count)

    def evaluate(self, xs: Sequence[Array]) -> tuple[Array, Callable[[Tree], Any] | None]:
        """The value as one array, and the pullback."""
        value, pullback = _pair(self.name, self.f(*self.arguments([_protected(x) for x in xs])))
        leaves, self.build = flatten(value)
        for y in leaves:
            if not is_leaf(y):
                raise OutputError(f"{self.name} must return arrays as its value; it returned a {type(y).__name__}.")
        self.shapes = [np.shape(y) for y in leaves]
        return self.pack(leaves), pullback

    def pack(self, leaves: Sequence[Array]) -> Array:
        """Several arrays as one: an operation has one result."""
        if len(leaves) == 1:
            return leaves[0] if isinstance(leaves[0], Box) else np.asarray(leaves[0])[()]
        return np.concatenate([np.reshape(y, (-1,)) for y in leaves])

    def unpack(self, y: Array) -> Tree:
        """The inverse of ``pack``, as a tree."""
        assert self.build is not None
        if len(self.shapes) == 1:
            return self.build([y])
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        ends = np.cumsum(sizes).tolist()
        parts = [
            np.reshape(y[end - size : end], shape) for end, size, shape in zip(ends, sizes, self.shapes, strict=True)
        ]
        return self.build(parts)


class _CallOnBatch(_Call):
    """The same call on a batch: the person's function and pullback are run on arrays that stand for one example.

    ``mapped`` says which arrays have the batch axis in front.
    """

    __slots__ = ("count", "mapped", "of_one")

    def __init__(self, of_one: _Call, mapped: Sequence[bool], count: int) -> None:
        super().__init__(of_one.name, of_one.f, of_one.arguments, of_one.level)
        self.of_one = of_one
        self.mapped = mapped
        self.count = count

    def over_batch(self, mapped: Sequence[bool], count: int) -> _Call:
        """Of batches of batches."""
        return _CallOnBatch(self, mapped, count)

    def evaluate(self, xs: Sequence[Array]) -> tuple[Array, Callable[[Tree], Any] | None]:
        """The value for all examples; the pullback is found anew when it is needed."""
        with over_batch() as level:
            y, is_mapped = examples(self.of_one.evaluate(self._boxed(xs, level))[0], level)
        return (y if is_mapped else np.broadcast_to(y, (self.count, *np.shape(y)))), None

    def pull_back(self, g: Array, xs: Sequence[Array]) -> list[Array | None]:
        """One cotangent an array; of one that is the same for all examples, the sum of theirs."""
        with over_batch() as level:
            boxed = batched(g, self.count, level)
            pulled = [None if r is None else examples(r, level) for r in self._pull_one(boxed, self._boxed(xs, level))]
        made: list[Array | None] = []
        for x_mapped, found in zip(self.mapped, pulled, strict=True):
            if found is None:
                made.append(None)
                continue
            r, r_mapped = found
            if x_mapped:
                made.append(r if r_mapped else np.broadcast_to(r, (self.count, *np.shape(r))))
            else:
                made.append(np.sum(r, axis=0) if r_mapped else r * self.count)
        return made

    def _pull_one(self, g: Array, xs: Sequence[Array]) -> list[Array | None]:
        self.of_one.pullback = None
        return _pull_back(g, xs, self.of_one)

    def _boxed(self, xs: Sequence[Array], level: int) -> list[Array]:
        return [batched(x, self.count, level) if m else x for x, m in zip(xs, self.mapped, strict=True)]


def _run(*xs: Array, call: _Call) -> Array:
    y, call.pullback = call.evaluate(xs)
    if isinstance(y, Box) and max(_levels([y]), default=-1) >= call.level:
        raise OutputError(
            f"{call.name} is decorated with custom_gradient and computes with a traced array that is not among its "
            "arguments, whose derivative would be lost. Pass it as an argument, and return its cotangent too."
        )
    return y


def _levels(leaves: Sequence[Any]) -> list[int]:
    """The levels of all live boxes in ``leaves``, however nested."""
    levels = []
    for x in leaves:
        while isinstance(x := core_of(x), Box):
            if not x._inert:
                levels.append(x._level)
            x = x._inner
    return levels or [-1]


def _protected(x: Array) -> Array:
    """``x`` for a person's function, which may not write into it: it is the caller's."""
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x


def _pull_back(g: Array, xs: Sequence[Array], call: _Call) -> list[Array | None]:
    """One cotangent an input: the person's pullback, checked."""
    if isinstance(call, _CallOnBatch):
        return call.pull_back(g, xs)
    pullback = call.pullback
    if pullback is None or any([isinstance(x, Box) for x in xs]):
        pullback = call.evaluate(xs)[1]
    assert pullback is not None  # of a call on a batch alone
    returned = pullback(call.unpack(g._frozen() if isinstance(g, Box) else np.array(g)[()]))  # which it may change
    args = call.arguments(xs)
    if len(args) == 1:
        returned = (returned,)
    if not isinstance(returned, tuple) or len(returned) != len(args):
        raise InvalidGradient(
            f"The pullback of {call.name} must return a tuple of {len(args)} cotangents, one an argument; it returned "
            f"{_kind(returned)}."
        )
    cotangents: list[Array | None] = []
    for i, (arg, r) in enumerate(zip(args, returned, strict=True)):
        cotangents += _checked(call.name, i, arg, r)
    return cotangents


def _checked(name: str, i: int, arg: Tree, returned: Tree) -> list[Array | None]:
    """The cotangents of one argument's array leaves; an error unless they are shaped as the leaves are."""
    leaves = [x for x in flatten(arg)[0] if is_leaf(x)]
    if returned is None:
        return [np.zeros(np.shape(x)) for x in leaves]
    given = [r for r in flatten(returned)[0] if is_leaf(r)]
    if len(given) != len(leaves):
        raise InvalidGradient(
            f"The pullback of {name} returned {len(given)} array(s) for argument {i}, which has {len(leaves)}. Return "
            "a tree like the argument, or None if it has no derivative."
        )
    for x, r in zip(leaves, given, strict=True):
        if np.shape(r) != np.shape(x):
            raise InvalidGradient(
                f"The pullback of {name} returned shape {np.shape(r)} for argument {i}, whose shape is {np.shape(x)}."
            )
        if not isinstance(r, Box) and np.asarray(r).dtype.kind not in "biufc":
            raise InvalidGradient(f"The pullback of {name} returned {_kind(r)} for argument {i}; it must be numbers.")
    return [r if isinstance(r, Box | np.ndarray) else np.asarray(r)[()] for r in given]


def _pair(name: str, result: Any) -> tuple[Any, Callable[[Tree], Any]]:
    if not isinstance(result, tuple) or len(result) != 2 or not callable(result[1]):
        raise OutputError(
            f"{name} is decorated with custom_gradient and must return (value, pullback), the pullback a function of "
            f"the value's cotangent; it returned {_kind(result)}."
        )
    return result


def _kind(x: Any) -> str:
    return f"a tuple of {len(x)}" if isinstance(x, tuple) else f"a {type(x).__name__}"


def stop_gradient(tree: Tree) -> Tree:
    """``tree`` with its values as they are and no derivative through them, at any order and in any mode.

    Arrays and numbers in it keep shape and dtype; inside a transformation they become constant tensors. What is neither
    is passed on.

    >>> import wengert as wg
    >>> wg.grad(lambda x: x * wg.stop_gradient(x))(3.0)
    3.0
    """
    return tree_map(_stopped, tree)


def _stopped(x: Any) -> Any:
    if not isinstance(x, Box):
        return x
    inner = innermost(x)
    if isinstance(inner, Box):  # it is being traced
        inner = inner.detach()  # type: ignore[attr-defined]  # as arrays have
    return inner if isinstance(x, type(inner)) else wrap(inner, 0, None)
