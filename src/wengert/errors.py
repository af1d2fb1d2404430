"""Every error that wengert raises by name.

Where NumPy would raise in the same place, the class also inherits from the built-in exception that it raises, so code
that catches ``TypeError`` or ``ValueError`` keeps working.
"""

from __future__ import annotations

__all__ = [
    "ConversionError",
    "DisconnectedView",
    "InputError",
    "InvalidBackprop",
    "InvalidGradient",
    "OutputError",
    "RecompilationWarning",
    "SavedValueChanged",
    "TraceError",
    "TreeError",
    "UndefinedDerivative",
    "UnsupportedFunction",
    "WengertError",
]


class WengertError(Exception):
    """Base class of all errors that wengert raises by name."""


class InputError(WengertError, TypeError):
    """A transformation or operation was given something that it can't work with.

    For example an integer array to differentiate with respect to, an array of objects, a tangent of another shape than
    its primal, or a complex value to be written into a real array.
    """


class OutputError(WengertError, TypeError):
    """A transformed function returned something that can't be differentiated.

    For example ``None``, an array where ``grad`` needs a scalar, or a value that was not computed from tensors.
    """


class ConversionError(WengertError, TypeError):
    """A traced array was about to be turned into plain numbers, which would lose its gradient without a word."""


class UnsupportedFunction(WengertError, TypeError):
    """A NumPy function, ufunc method or keyword without a derivative rule was applied to a tensor."""


class TraceError(ConversionError):
    """A function that is being compiled asked for the value of an array, or did something that can't be traced."""


def backward_refused() -> TraceError:
    """What ``backward()`` raises while a function is traced."""
    return TraceError(
        "wg.jit: the function calls backward() while a function is being compiled, and tensors keep no gradient then. "
        "Compute them with wg.grad or wg.value_and_grad inside the function, or call backward() on what it returns."
    )


def written_outside(where: str = "") -> TraceError:
    """What is raised where a traced function writes to an array that it did not make."""
    return TraceError(
        f"wg.jit: the function writes to an array that it found outside itself{where}. That would happen once, while "
        "it is compiled, and not at later calls. Return the new values and assign them outside, or write to a copy."
    )


class TreeError(WengertError, TypeError):
    """Two trees that should have the same structure differ."""


class UndefinedDerivative(WengertError, ArithmeticError):
    """A derivative of higher order was asked for at a point where it does not exist and no convention gives a value."""


class InvalidBackprop(WengertError):
    """``backward()`` was called on, or reached, a part of a graph that has been cleared."""


class SavedValueChanged(InvalidBackprop):
    """Backpropagation in debug mode found that a value that an operation had saved was changed since."""


class InvalidGradient(WengertError, ValueError):
    """A pullback was given, or returned, a cotangent of another structure or shape than what it belongs to."""


class DisconnectedView(WengertError):
    """An in-place update of a view that is no longer connected to its base would not reach the base's gradient."""


class RecompilationWarning(UserWarning):
    """A jitted function has been compiled many times: for ever new shapes, or ever new values of static arguments."""
