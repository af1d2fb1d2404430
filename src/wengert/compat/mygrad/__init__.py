"""MyGrad's module names, for programs that were written for MyGrad.

Such a program replaces ``import mygrad as mg`` by ``import wengert as mg``, and imports from MyGrad's inner modules
find theirs here: ``from mygrad.operation_base import Operation`` becomes ``from wengert.compat.mygrad.operation_base
import Operation``. This package also has all of wengert's own names, so that ``import wengert.compat.mygrad as mg``
serves too.

>>> import wengert.compat.mygrad as mg
>>> from wengert.compat.mygrad.math.exp_log.funcs import exp
>>> exp(mg.tensor([0.0]))
Tensor([1.])
"""

from typing import Any

import wengert
from wengert.compat.mygrad import errors, operation_base
from wengert.compat.mygrad.execution import execute_op
from wengert.compat.mygrad.modules import install

__all__ = ["errors", "execute_op", "operation_base"]

install(__name__)


def __getattr__(name: str) -> Any:
    return getattr(wengert, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(wengert)})
