"""Tensors in files: NumPy's archives of arrays (``.npz``), which hold no code."""

from __future__ import annotations

from os import PathLike
from typing import BinaryIO

import numpy as np
from numpy.lib.npyio import NpzFile

from wengert.arrays.tensor import Tensor, tensor
from wengert.core.aliasing import memory_of
from wengert.errors import InputError

__all__ = ["load", "save"]

File = str | PathLike[str] | BinaryIO


def save(file: File, tensor: Tensor) -> None:
    """Write a tensor to ``file``: its data, its gradient if it has one, and whether it is a constant.

    ``file`` is a path, to which ``.npz`` is added unless it ends so, or a file open for writing bytes. The file is an
    archive of NumPy's with arrays called ``data``, ``grad`` and ``constant``. What the tensor was computed from isn't
    saved. Raises ``InputError`` if it is no tensor, ``ConversionError`` inside a transformation.

    >>> import io, wengert as wg
    >>> x = wg.tensor([1.0, 2.0])
    >>> (x * x).backward()
    >>> file = io.BytesIO()
    >>> wg.save(file, x)
    >>> _ = file.seek(0)
    >>> wg.load(file).grad
    array([2., 4.])
    """
    if not isinstance(tensor, Tensor):
        raise InputError(f"wg.save takes a tensor; got a {type(tensor).__name__}. Make it one: wg.tensor(x).")
    arrays = {"data": tensor.data, "constant": np.array(tensor.constant)}
    if tensor.grad is not None:
        arrays["grad"] = tensor.grad
    np.savez(file, **arrays)


def load(file: File) -> Tensor:
    """The tensor that :func:`save`, or MyGrad's function of that name, wrote to ``file``; with its gradient.

    ``file`` is a path or a file open for reading bytes. Raises ``FileNotFoundError`` if there is none, ``ValueError``
    if it holds no tensor, or pickled objects, which are never loaded: they can run any code.

    >>> import pathlib, tempfile, wengert as wg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "x.npz"
    ...     wg.save(path, wg.tensor([1, 2]))
    ...     wg.load(path)
    Tensor([1, 2])
    """
    archive = np.load(file, allow_pickle=False)
    if not isinstance(archive, NpzFile):
        raise ValueError("wg.load: the file holds a single array, not a tensor. Read it with np.load.")
    with archive:
        arrays = {name: archive[name] for name in ("data", "grad", "constant") if name in archive}
    if "data" not in arrays:
        raise ValueError("wg.load: the file holds no tensor: there is no array called 'data' in it.")
    data, grad, flag = arrays["data"], arrays.get("grad"), arrays.get("constant", np.array(None))
    if grad is not None and grad.shape != data.shape:
        raise ValueError(f"wg.load: the data has shape {data.shape}, its gradient {grad.shape}.")
    made = tensor(data, constant=bool(flag) or None, copy=False)
    if grad is not None and made._node is not None:  # not by backward(), which does nothing under no_autodiff
        live = made._live()
        assert live is not None
        live.grad = grad.astype(data.dtype)
        memory_of(made)  # so that the next use forgets the gradient
    return made
