"""Questions about arrays, whose answers are plain values: positions, counts, truth, shapes, dtypes, text.

Positions and truth values of arrays are constant operations, known to every transformation. Questions whose answer is
no array, or one whose shape depends on the numbers, look at the plain array inside, however nested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.core.aliasing import innermost, is_traced, model_of
from wengert.core.dispatch import Box, apply
from wengert.core.op import Op
from wengert.core.registry import FUNCTIONS, register, register_function
from wengert.ops.cases import enter
from wengert.ops.entries import constant

__all__ = ["plain_tree"]


def plain_tree(tree: Any) -> Any:
    """``tree`` with the boxes in it, also those in lists, tuples and dicts, replaced by the plain arrays they hold.

    What is being traced stays symbolic.
    """
    if isinstance(tree, Box):
        return innermost(tree)
    if type(tree) in (list, tuple):
        return type(tree)(map(plain_tree, tree))
    if type(tree) is dict:
        return {key: plain_tree(part) for key, part in tree.items()}
    return tree


def _constant(function: Callable[..., Any], signature: str, arity: int = 1) -> None:
    """Enter a constant function whose parameters, such as ``where``, may be boxed as well."""
    op = constant(function, signature, arity=arity)
    bound = FUNCTIONS[function]
    names = signature.split()

    def ask(*args: Any, **params: Any) -> Any:
        params.update(zip(names[arity:], args[arity:], strict=False))
        params = {name: x if name == "out" or name in op.inputs else innermost(x) for name, x in params.items()}
        return bound(*args[:arity], **params)

    register_function(function, ask)


_constant(np.all, "a axis out keepdims where")
_constant(np.any, "a axis out keepdims where")
_constant(np.argmax, "a axis out keepdims")
_constant(np.argmin, "a axis out keepdims")
_constant(np.nanargmax, "a axis out keepdims")
_constant(np.nanargmin, "a axis out keepdims")
_constant(np.argsort, "a axis kind order")
_constant(np.argpartition, "a kth axis kind order")
_constant(np.count_nonzero, "a axis")
_constant(np.searchsorted, "a v side sorter", arity=2)
_constant(np.digitize, "x bins right", arity=2)
_constant(np.isin, "element test_elements assume_unique invert", arity=2)


def _ask(op: Op, of_elements: bool) -> Callable[..., Any]:
    """A function that answers from the plain arrays in its arguments, or from what is known of traced ones."""

    def ask(*args: Any, **kwargs: Any) -> Any:
        traced = [x for x in args if is_traced(x) or (type(x) in (tuple, list) and any(map(is_traced, x)))]
        if not traced:
            return op.fun(*plain_tree(args), **plain_tree(kwargs))
        if of_elements:
            return apply(op, [innermost(x) for x in args], kwargs)
        return op.fun(*[model_of(x) if isinstance(x, Box) else x for x in args], **kwargs)

    return ask


_PLAIN_ANSWERS: tuple[Callable[..., Any], ...] = (
    # truth about whole arrays
    np.allclose, np.isclose, np.array_equal, np.array_equiv,
    # positions
    np.nonzero, np.flatnonzero, np.argwhere, np.lexsort, np.unravel_index, np.ravel_multi_index,
    np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, np.packbits, np.unpackbits,
    # text and files
    np.array_repr, np.array_str, np.array2string, np.save, np.savez, np.savez_compressed, np.savetxt,
)  # fmt: skip

_ANSWERS_FOR_KINDS: tuple[Callable[..., Any], ...] = (
    # memory and types
    np.shares_memory, np.may_share_memory, np.iscomplexobj, np.isrealobj, np.common_type, np.min_scalar_type,
    # plans
    np.einsum_path,
)  # fmt: skip

for _function in (*_PLAIN_ANSWERS, *_ANSWERS_FOR_KINDS):
    _op = register(Op(_function.__name__, "constant", _function, ("*xs",)))
    register_function(_function, _ask(_op, _function in _PLAIN_ANSWERS))
    enter(_function, None)


# Shapes and dtypes are known without the numbers.


def _answer(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates what answers for ``function``, whose result is no array."""

    def enter_answer(implementation: Callable[..., Any]) -> Callable[..., Any]:
        op = register(Op(function.__name__, "constant", implementation, ("*xs",)))

        def answer(*args: Any, **kwargs: Any) -> Any:
            return op.fun(*args, **kwargs)

        register_function(function, answer)
        enter(function, None)
        return implementation

    return enter_answer


@_answer(np.shape)
def _shape(a: Array) -> tuple[int, ...]:
    shape: tuple[int, ...] = a.shape
    return shape


@_answer(np.ndim)
def _ndim(a: Array) -> int:
    return len(a.shape)


@_answer(np.size)
def _size(a: Array, axis: int | tuple[int, ...] | None = None) -> int:
    return np.size(model_of(a), axis)


@_answer(np.result_type)
def _result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    return np.result_type(*[x.dtype if isinstance(x, Box) else x for x in arrays_and_dtypes])


@_answer(np.can_cast)
def _can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    return np.can_cast(from_.dtype if isinstance(from_, Box) else from_, to, casting)
