"""The table of operations: one entry each, a file for each family of NumPy functions.

Importing this package fills the registry. To add an operation, add an entry to the file of its family.
"""

from wengert.ops import arithmetic, index, reduce, select, shape, trig

__all__ = ["arithmetic", "index", "reduce", "select", "shape", "trig"]
