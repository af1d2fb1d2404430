"""The compiler: functions traced to graphs, and graphs made programs.

``wg.jit`` is the function of that name, whichever of this package's modules is imported first: the package can be
called in its place.
"""

import sys
from types import ModuleType
from typing import Any

from wengert.jit import control as _control  # noqa: F401 - fills in what loops become while a function is traced
from wengert.jit import shapes as _shapes  # noqa: F401 - fills the rules for shapes
from wengert.jit.jit import jit as _jit


class _Package(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """``wengert.jit.jit.jit``."""
        return _jit(*args, **kwargs)


sys.modules[__name__].__class__ = _Package
