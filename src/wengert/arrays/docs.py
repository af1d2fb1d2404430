"""What ``help`` shows of NumPy's functions under wengert's name: docstrings and signatures."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

__all__ = ["describe", "with_constant"]


_FLAG = """\
``constant=True`` makes the result a constant, ``constant=False`` a variable. Raises
``TypeError`` if it is no flag and ``ValueError`` for ``constant=False`` with a result of
integers or booleans.
"""


def describe(function: Callable[..., Any], page: str | None) -> str:
    """The summary of ``function``, what wengert adds to it, and where to read on if it is NumPy's: its ``page``."""
    if page is None:
        return f"{_summary(function)}\n\nOf plain arrays the result is a constant.\n\n{_FLAG}"
    return (
        f"{_summary(function)}\n\n"
        f"This is ``{page.replace('numpy', 'np', 1)}`` with a tensor as its result, through which derivatives\n"
        "flow. Of plain arrays the result is a constant. Where the derivative is a matter of\n"
        f"convention, wengert's documentation says what it is.\n\n{_FLAG}\n"
        f"The other parameters: https://numpy.org/doc/stable/reference/generated/{page}.html\n"
    )


def _summary(function: Callable[..., Any]) -> str:
    """The first paragraph of a docstring that isn't a signature."""
    paragraphs = (function.__doc__ or "").strip().split("\n\n")
    first = paragraphs[0]
    if first.startswith(f"{function.__name__}(") and len(paragraphs) > 1:
        first = paragraphs[1]
    return " ".join(first.split())


def with_constant(function: Callable[..., Any]) -> Signature | None:
    """The signature of ``function`` with ``constant`` added, or ``None`` if it doesn't tell its own."""
    try:
        known = signature(function)
    except (TypeError, ValueError):
        return None
    parameters = list(known.parameters.values())
    at = len(parameters) - (bool(parameters) and parameters[-1].kind is Parameter.VAR_KEYWORD)
    parameters.insert(at, Parameter("constant", Parameter.KEYWORD_ONLY, default=None))
    return known.replace(parameters=parameters)
