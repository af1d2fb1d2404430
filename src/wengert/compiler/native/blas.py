"""Products of matrices by the BLAS that NumPy itself uses: where it is, and a native function that calls it.

A second BLAS in the process would bring a second pool of threads, and both would be slower. The library comes with
NumPy's wheels; where NumPy was built otherwise, SciPy knows one. ``None`` if there is neither: then products are left
to ``np.matmul``.
"""

from __future__ import annotations

import ctypes
import functools
import os
from dataclasses import dataclass
from os.path import dirname, join  # pathlib takes longer to import than all that is done here
from typing import Any

import numpy as np

__all__ = ["GEMM", "GEMV", "Blas", "blas", "call_ir"]

GEMM = ("function", "ta", "tb", "m", "n", "k", "a", "lda", "b", "ldb", "add", "c", "ldc", "sa", "sb", "sc")
"""The array of arguments of ``wg_gemm_...``, ``s`` being a batch's steps in bytes."""

GEMV = ("function", "trans", "rows", "cols", "mat", "ld", "vec", "incx", "add", "out", "incy", "sm", "sv", "so")
"""The array of arguments of ``wg_gemv_...``: ``out = mat @ vec``, or ``mat.T @ vec`` if ``trans``."""


_FUNCTIONS = ("sgemm", "dgemm", "sgemv", "dgemv")


@dataclass(frozen=True)
class Blas:
    """Addresses of ``sgemm``, ``dgemm``, ``sgemv`` and ``dgemv``, and how they are called: C's way or Fortran's.

    ``threads`` is the address of a function that returns how many threads it uses, 0 if it isn't known.
    """

    addresses: dict[str, int]
    convention: str
    threads: int
    library: Any = None

    def thread_count(self) -> int:
        """How many threads the library uses."""
        return ctypes.CFUNCTYPE(ctypes.c_int)(self.threads)() if self.threads else 1


@functools.cache
def blas() -> Blas | None:
    """NumPy's BLAS, or SciPy's; ``None`` if neither can be called."""
    return _bundled() or _of_scipy()


def _bundled() -> Blas | None:
    home = dirname(np.__file__)  # noqa: PTH120
    for folder in (join(dirname(home), "numpy.libs"), join(home, ".dylibs")):  # noqa: PTH118, PTH120
        for path in _files(folder, "openblas"):
            try:
                library = ctypes.CDLL(path)
                addresses = {x: _address(library[f"scipy_cblas_{x}64_"]) for x in _FUNCTIONS}
                threads = _address(library["scipy_openblas_get_num_threads64_"])
            except (OSError, AttributeError):
                continue
            return Blas(addresses, "c", threads, library)
    return None


def _files(folder: str, part: str) -> list[str]:
    """The files of a folder, if there is one, whose names contain a word."""
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []
    return [join(folder, name) for name in sorted(names) if part in name]  # noqa: PTH118


def _of_scipy() -> Blas | None:
    try:
        from scipy.linalg import cython_blas

        capsules = cython_blas.__pyx_capi__
        found = {x: _capsule(capsules[x]) for x in _FUNCTIONS}
    except (ImportError, AttributeError, KeyError):
        return None
    if not all([" int *" in signature for _, signature in found.values()]):
        return None
    return Blas({x: address for x, (address, _) in found.items()}, "fortran", 0, cython_blas)


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _capsule(capsule: Any) -> tuple[int, str]:
    """The pointer in a capsule, and its name, which states the function's signature."""
    name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", ctypes.pythonapi))
    pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    name = name_of(capsule)
    return pointer_of(capsule, name), name.decode()


def call_ir(product: str, convention: str, letter: str) -> str:
    """The function ``wg_<product>_<convention>_<letter>``, which does products ``begin`` to ``end`` of a batch.

    ``product`` is ``"gemm"`` or ``"gemv"``, ``convention`` ``"c"`` or ``"fortran"``, ``letter`` ``"s"`` or ``"d"``.
    """
    number = {"s": "float", "d": "double"}[letter]
    arguments, moving = (GEMM, ("a", "b", "c")) if product == "gemm" else (GEMV, ("mat", "vec", "out"))
    words = "".join(
        f"  %{name}.at = getelementptr i64, ptr %argv, i64 {i}\n  %{name} = load i64, ptr %{name}.at\n"
        for i, name in enumerate(arguments)
    )
    places = "".join(
        f"  %{x}.step = mul i64 %i, %s{x[0]}\n  %{x}.sum = add i64 %{x}, %{x}.step\n"
        f"  %{x}.p = inttoptr i64 %{x}.sum to ptr\n"
        for x in moving
    )
    prepare, apply = _CALLS[product, convention]
    return f"""define void @wg_{product}_{convention}_{letter}(ptr %argv, i64 %begin, i64 %end) {{
{words}  %f = inttoptr i64 %function to ptr
  %beta = uitofp i64 %add to {number}
{prepare.replace("NUMBER", number)}  br label %test
test:
  %i = phi i64 [%begin, %0], [%next, %body]
  %more = icmp slt i64 %i, %end
  br i1 %more, label %body, label %done
body:
{places}{apply.replace("NUMBER", number)}  %next = add i64 %i, 1
  br label %test
done:
  ret void
}}
"""


def _enumerated(*names: str) -> str:
    """``CblasNoTrans`` or ``CblasTrans`` for 0 or 1."""
    return "".join(f"  %{x}.w = trunc i64 %{x} to i32\n  %{x}.c = add i32 %{x}.w, 111\n" for x in names)


def _spilled(*names: str) -> str:
    """Fortran's integers, which are passed by reference."""
    return "".join(
        f"  %{x}.32 = alloca i32\n  %{x}.w = trunc i64 %{x} to i32\n  store i32 %{x}.w, ptr %{x}.32\n" for x in names
    )


def _lettered(one: str, zero: str, *names: str) -> str:
    """A letter by reference: one of two for 1 and 0."""
    return "".join(
        f"  %{x}.letter = alloca i8\n  %{x}.not = icmp ne i64 %{x}, 0\n"
        f"  %{x}.l = select i1 %{x}.not, i8 {ord(one)}, i8 {ord(zero)}\n  store i8 %{x}.l, ptr %{x}.letter\n"
        for x in names
    )


_FACTORS = """  %one = alloca NUMBER
  store NUMBER 1.0, ptr %one
  %beta.p = alloca NUMBER
  store NUMBER %beta, ptr %beta.p
"""

_CALLS = {
    ("gemm", "c"): (
        _enumerated("ta", "tb"),
        """  call void %f(i32 101, i32 %ta.c, i32 %tb.c, i64 %m, i64 %n, i64 %k, NUMBER 1.0, ptr %a.p, i64 %lda,
    ptr %b.p, i64 %ldb, NUMBER %beta, ptr %c.p, i64 %ldc)
""",
    ),
    ("gemv", "c"): (
        _enumerated("trans"),
        """  call void %f(i32 101, i32 %trans.c, i64 %rows, i64 %cols, NUMBER 1.0, ptr %mat.p, i64 %ld,
    ptr %vec.p, i64 %incx, NUMBER %beta, ptr %out.p, i64 %incy)
""",
    ),
    # Fortran's matrices are the transposes of C's: (a @ b).T = b.T @ a.T.
    ("gemm", "fortran"): (
        _spilled("m", "n", "k", "lda", "ldb", "ldc") + _lettered("T", "N", "ta", "tb") + _FACTORS,
        """  call void %f(ptr %tb.letter, ptr %ta.letter, ptr %n.32, ptr %m.32, ptr %k.32, ptr %one,
    ptr %b.p, ptr %ldb.32, ptr %a.p, ptr %lda.32, ptr %beta.p, ptr %c.p, ptr %ldc.32)
""",
    ),
    ("gemv", "fortran"): (
        _spilled("rows", "cols", "ld", "incx", "incy") + _lettered("N", "T", "trans") + _FACTORS,
        """  call void %f(ptr %trans.letter, ptr %cols.32, ptr %rows.32, ptr %one, ptr %mat.p, ptr %ld.32, ptr %vec.p,
    ptr %incx.32, ptr %beta.p, ptr %out.p, ptr %incy.32)
""",
    ),
}
