"""The switches that people use: recording, the memory guard, debugging."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

import numpy as np

from wengert.core.dispatch import Box
from wengert.core.modes import Suspension, Switch
from wengert.core.trees import tree_map

__all__ = ["debug", "mem_guard_off", "mem_guard_on", "no_autodiff"]


class NoAutodiff(Suspension):
    """A switch that can also be given ``to_numpy=True``."""

    def __call__(self, function: Any = None, *, to_numpy: bool = False) -> Any:
        if function is None:
            return (lambda f: self(f, to_numpy=to_numpy)) if to_numpy else self
        if not to_numpy:
            return super().__call__(function)
        quiet: Callable[..., Any] = super().__call__(function)
        if iscoroutinefunction(function):

            @wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                return _to_numpy(await quiet(*args, **kwargs))

            return awaited

        @wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return _to_numpy(quiet(*args, **kwargs))

        return wrapped


class Debug(Switch):
    """A switch that is written with a call, ``with wg.debug():``, and may be without."""

    def __call__(self, function: Any = None) -> Any:
        return self if function is None else super().__call__(function)


def _to_numpy(result: Any) -> Any:
    if isinstance(result, Box):
        return np.asarray(result)
    if isinstance(result, list | tuple | dict):
        return tree_map(lambda leaf: np.asarray(leaf) if isinstance(leaf, Box) else leaf, result)
    return np.asarray(result)


no_autodiff = NoAutodiff(
    "no_autodiff",
    """Context manager and decorator: operations on tensors are not recorded, and lock nothing.

    ``with wg.no_autodiff: ...`` or ``@wg.no_autodiff``, with no call; ``@wg.no_autodiff(to_numpy=True)`` also makes
    the function return arrays instead of tensors. Results are tensors without a history. Updates in place write to the
    very memory of their target; one that a live graph uses can't be written to, as outside. Gradients stay as they
    are. ``backward`` does nothing. Holds for this thread or asynchronous task alone.

    Within a function that a transformation differentiates, what is computed counts as constant. A transformation that
    is called within works as ever.

    >>> import wengert as wg
    >>> x = wg.tensor([1.0, 2.0])
    >>> with wg.no_autodiff:
    ...     y = x * x
    >>> y, y.creator is None
    (Tensor([1., 4.]), True)
    """,
)

mem_guard_off = Switch(
    "mem_guard_off",
    """Context manager and decorator: operations lock no arrays. Locks that exist stay.

    Without the guard, changing an array that an operation has saved gives wrong gradients without a word. Used without
    a call; holds for this thread or asynchronous task alone.

    >>> import numpy as np, wengert as wg
    >>> a = np.ones(2)
    >>> with wg.mem_guard_off:
    ...     y = wg.tensor([1.0, 2.0]) * a
    >>> a.flags.writeable
    True
    """,
    guard=False,
)

mem_guard_on = Switch(
    "mem_guard_on",
    """Context manager and decorator: arrays that operations use are read-only until the graph is gone.

    The default; to be used where the guard is switched off around it. Used without a call; holds for this thread or
    asynchronous task alone.

    >>> import numpy as np, wengert as wg
    >>> a = np.ones(2)
    >>> with wg.mem_guard_off, wg.mem_guard_on:
    ...     y = wg.tensor([1.0, 2.0]) * a
    >>> a.flags.writeable
    False
    >>> del y
    >>> a.flags.writeable
    True
    """,
    guard=True,
)

debug = Debug(
    "debug",
    """Context manager and decorator: backpropagation verifies that saved values are as they were.

    The memory guard locks the arrays that it knows; a write through a view that was made before is not seen by it.
    Values that are saved within ``with wg.debug():`` are fingerprinted, and backpropagation that finds one changed
    raises ``SavedValueChanged``, which names the line of the operation that saved it. Slow: for finding such a write.

    >>> import numpy as np, wengert as wg
    >>> a = np.ones(2)
    >>> other = a[:]
    >>> with wg.debug():
    ...     y = wg.tensor([1.0, 2.0]) * a
    >>> other[0] = 5.0
    >>> try:
    ...     y.backward()
    ... except wg.errors.SavedValueChanged as error:
    ...     print(str(error).split(",")[0])
    An input of multiply has been changed since it was used
    """,
    debug=True,
)
