"""What a boxed array is asked, and how its data leave it: as Python's numbers, as bytes, as memory in other hands.

What leaves is plain: it carries no derivative. So it raises ``ConversionError`` where a transformation waits for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import GenericAlias
from typing import Any, NoReturn

import numpy as np

from wengert.core.aliasing import innermost, memory_of
from wengert.core.dispatch import Box
from wengert.errors import UnsupportedFunction

__all__ = ["ArrayData", "bytes_refused", "check_constant", "check_variable"]


class ArrayData(Box):
    """The part of an array's attributes and methods that tells of its data. Abstract."""

    __slots__ = ()

    def detach(self) -> Any:
        """A constant over the same array: no derivative flows through it."""
        raise NotImplementedError

    def _flagged(self, constant: bool, inputs: Sequence[Any] = ()) -> Any:
        """This array, the result of a call on ``inputs``, as a constant or as a variable."""
        raise NotImplementedError

    def __class_getitem__(cls, parameters: Any) -> GenericAlias:
        return GenericAlias(cls, parameters)

    # What an array is asked

    @property
    def itemsize(self) -> int:
        """Bytes an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from an element to the next along each axis."""
        strides: tuple[int, ...] = innermost(self).strides
        return strides

    @property
    def flags(self) -> Any:
        """How the elements lie in memory, and whether they can be written to, as ``ndarray.flags`` says it."""
        data = self.data if self._level == 0 else innermost(self)  # type: ignore[attr-defined]  # a tensor's
        return data.flags

    @property
    def device(self) -> str:
        """``"cpu"``, where NumPy computes."""
        return "cpu"

    @property
    def base(self) -> Any:
        """The box whose memory this one shows, or ``None`` if it has memory of its own."""
        box: Any = self
        while box._view is not None:
            box = box._view.parent
        return None if box is self else box

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array: it has no axes to count along.")
        return self.shape[0]

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    # Conversions to plain values

    def _shared(self, what: str) -> np.ndarray[Any, Any]:
        """The plain array itself, for someone who may keep it."""
        array = np.asarray(self._plain(what))
        if self._level == 0:
            array = self.data  # type: ignore[attr-defined]  # a tensor's, which remembers that it was handed out
        else:
            memory_of(self).pin()
        return array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self._shared("np.asarray"), dtype=dtype, copy=copy)

    def __bool__(self) -> bool:
        return bool(self._current()._inner)

    def __float__(self) -> float:
        return float(_only(self._plain("float()")))

    def __int__(self) -> int:
        return int(_only(self._plain("int()")))

    def __complex__(self) -> complex:
        return complex(_only(self._plain("complex()")))

    def __index__(self) -> int:
        return int(self._plain("use as an index").__index__())

    def item(self, *args: Any) -> Any:
        """The only element, or the one that ``args`` index, as a Python number."""
        return self._plain("item()").item(*args)

    def tolist(self) -> Any:
        """The elements in nested lists of Python numbers."""
        return self._plain("tolist()").tolist()

    def tobytes(self, order: Any = "C") -> bytes:
        """The elements' bytes."""
        data: bytes = self._plain("tobytes()").tobytes(order)
        return data

    def tofile(self, fid: Any, sep: str = "", format: str = "%s") -> None:  # noqa: A002 - NumPy's name
        """Write the elements to a file, as ``ndarray.tofile`` does."""
        self._plain("tofile()").tofile(fid, sep, format)

    def dumps(self) -> bytes:
        """The plain array, pickled."""
        data: bytes = self._plain("dumps()").dumps()
        return data

    def dump(self, file: Any) -> None:
        """Pickle the plain array into a file."""
        self._plain("dump()").dump(file)

    def __format__(self, spec: str) -> str:
        inner = self._current()._inner
        return format(inner, spec) if spec else str(self)

    # Memory in other hands

    @property
    def ctypes(self) -> Any:
        """The plain array's memory, for ``ctypes``."""
        return self._shared("ctypes").ctypes

    def __dlpack__(self, **options: Any) -> Any:
        return self._shared("DLPack").__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[Any, ...]:
        return np.empty(0).__dlpack_device__()

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """The array itself, as there is but one device: ``"cpu"``."""
        np.empty(0).to_device(device, stream=stream)  # raises where NumPy's does
        return self

    def __array_namespace__(self, *, api_version: Any = None) -> Any:
        return np.empty(0).__array_namespace__(api_version=api_version)

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Make the array read-only, with ``write=False``. It can't be made writeable again while a graph uses it."""
        if write and not self.flags.writeable:
            raise ValueError(
                "setflags(write=True) of an array that is read-only: a graph, another array or its owner keeps it so. "
                "Release the graph with backward() or clear_graph(), or write to a copy: x.copy()."
            )
        self._shared("setflags()").setflags(write=write, align=align, uic=uic)

    def resize(self, *new_shape: Any, refcheck: bool = True) -> None:
        """Set the shape in place, to one with as many elements.

        Raises ``UnsupportedFunction`` for another number of elements: views could not follow.
        """
        (shape,) = new_shape if len(new_shape) == 1 else (new_shape,)
        shape = tuple(shape) if np.iterable(shape) else (shape,)
        if np.prod(shape, dtype=int) != self.size:
            raise UnsupportedFunction(
                f"resize() from {self.shape} to {shape} can't be done in place. Make a new array: np.resize(x, shape), "
                "which repeats the elements, or np.pad(x, widths), which adds zeros."
            )
        self.shape = shape

    def byteswap(self, inplace: bool = False) -> NoReturn:
        """Refused: bytes have no derivative."""
        raise bytes_refused("byteswap()", "x.astype(x.dtype.newbyteorder())")

    def getfield(self, dtype: Any, offset: int = 0) -> NoReturn:
        """Refused: bytes have no derivative."""
        raise bytes_refused("getfield()", "x.real, x.imag or x.astype(dtype)")

    def setfield(self, val: Any, dtype: Any, offset: int = 0) -> NoReturn:
        """Refused: bytes have no derivative."""
        raise bytes_refused("setfield()", "x[...] = value, x.real = value or x.imag = value")


def _only(x: Any) -> Any:
    """The element of an array of one element, which newer NumPy converts to a number only if it has no axes."""
    return x.item() if np.ndim(x) and np.size(x) == 1 else x


def bytes_refused(what: str, remedy: str) -> UnsupportedFunction:
    """What is raised by methods that look at the bytes of numbers."""
    return UnsupportedFunction(
        f"{what} looks at the bytes of numbers, which have no derivative. Write {remedy}. The plain array of a "
        "tensor, x.data, does it."
    )


def check_constant(constant: Any) -> None:
    """Raise ``TypeError`` unless ``constant`` is a flag or ``None``."""
    if constant is not None and not isinstance(constant, bool | np.bool_):
        raise TypeError(f"constant must be True, False or None, not {constant!r}.")


def check_variable(dtype: np.dtype[Any]) -> None:
    """Raise ``ValueError`` unless a result of ``dtype`` can be a variable, as ``constant=False`` asks."""
    if dtype.kind not in "fc":
        raise ValueError(
            f"constant=False for a result of {dtype}: derivatives are taken with respect to floating-point or complex "
            "numbers. Convert it to floats, or leave constant=False away."
        )
