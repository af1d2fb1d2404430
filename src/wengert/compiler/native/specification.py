"""What stands in the specification by which the native entry goes: a row of words, and the places in its head.

``entry.py`` writes specifications; ``walk.py``, ``arguments.py`` and ``results.py`` read them.
"""

from __future__ import annotations

# The specification's head: places of words.
WORLD = 0
TABLE = 8
FRAME_SIZE = 16
CELL = 24
COUNTERS = 32
ARGV = 40
WORK = 48
STATUS = 56
OBJECTS = 64
ARGUMENTS = 72
"""How many; ``*_AT``: where in the specification."""
ARGUMENTS_AT = 80
GUARDS = 88
GUARDS_AT = 96
CAPTURED = 104
CAPTURED_AT = 112
OUTPUTS = 120
OUTPUTS_AT = 128
RESULT_AT = 136
HELD = 144
"""Whether inputs are held by references of their own during the call, and where their slots end."""
UNLOCKED = 152
"""Whether other Python threads may run meanwhile; then inputs are held."""
CURSOR = 160
HEAD = 168

# What stands in the specification of arguments.
ARRAY = 1
NUMBER = 2
IDENTITY = 3
EQUAL = 4
LIST_OF = 5
TUPLE_OF = 6
DICT_OF = 7
CELL_GUARD = 8
DICT_GUARD = 9

# How a number is read.
FROM_FLOAT = 1
FROM_INT = 2
FROM_BOOL = 3
FROM_NUMPY = 4
FLOAT_BITS = 5

# What stands in the specification of the result.
OUTPUT = 1
NUMPY_SCALAR = 2
PYTHON_FLOAT = 3
PYTHON_INT = 4
PYTHON_BOOL = 5
OBJECT = 6
NEW_LIST = 7
NEW_TUPLE = 8
NEW_DICT = 9
LARGE = 10
