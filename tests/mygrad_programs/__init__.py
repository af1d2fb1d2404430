"""Programs as MyGrad's users write them, to be run with MyGrad's own modules or with wengert's.

Each takes a ``Library`` and returns what it computed, by name: tensors, arrays, numbers, booleans.
"""

from tests.mygrad_programs import modes, operations, tensors, training, views  # noqa: F401 - fill the list
from tests.mygrad_programs.library import PROGRAMS, Library

__all__ = ["PROGRAMS", "Library"]
