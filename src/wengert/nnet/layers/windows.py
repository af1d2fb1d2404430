"""Windows that are placed on a grid over the last axes of an array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import index as as_integer
from typing import Any

import numpy as np

from wengert._types import Shape
from wengert.errors import InputError
from wengert.nnet.values import InvalidSetting

__all__ = ["grid", "integers", "places"]


def integers(what: str, name: str, value: Any, n: int, least: int) -> tuple[int, ...]:
    """``value``, an integer for all of ``n`` axes or one for each, as a tuple."""
    try:
        values = tuple([as_integer(v) for v in value]) if np.iterable(value) else (as_integer(value),) * n
    except TypeError:
        raise InputError(f"{what}: {name} must be an integer or a tuple of integers; got {value!r}.") from None
    if len(values) != n:
        raise InvalidSetting(f"{what}: {name} must be an integer or have one for each of {n} axes; got {value!r}.")
    if any([v < least for v in values]):
        raise InvalidSetting(f"{what}: {name} must not be less than {least}; got {value!r}.")
    return values


def grid(what: str, lengths: Shape, window: Shape, stride: Shape, dilation: Sequence[int] = ()) -> Shape:
    """How many windows there are along each axis of an array; an error unless they fill it to the end.

    ``lengths`` are those of the axes, padding included; elements of a window are ``dilation`` apart.
    """
    spans = [(w - 1) * d + 1 for w, d in zip(window, dilation or (1,) * len(window), strict=True)]
    for n, span, s in zip(lengths, spans, stride, strict=True):
        if n < span or (n - span) % s:
            raise ValueError(
                f"{what}: windows that span {tuple(spans)} with stride {stride} don't fill axes of lengths {lengths} "
                f"(padding included): length - span must be a multiple of the stride and not negative. Pad or cut the "
                f"axes, or choose another stride."
            )
    return tuple([(n - span) // s + 1 for n, span, s in zip(lengths, spans, stride, strict=True)])


def places(shape: Shape, window: Shape, stride: Shape, dilation: Shape) -> Iterator[tuple[Any, ...]]:
    """For each element of a window, in order, the index of the elements that it shows over the grid of ``shape``."""
    for offset in np.ndindex(*window):
        yield (
            ...,
            *[
                slice(o * d, o * d + s * (n - 1) + 1, s)
                for o, d, s, n in zip(offset, dilation, stride, shape, strict=True)
            ],
        )
