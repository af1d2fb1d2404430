"""The compiler: functions traced to graphs, and graphs made programs."""

from wengert.compiler import control as _control  # noqa: F401 - fills in what loops become while a function is traced
from wengert.compiler import shapes as _shapes  # noqa: F401 - fills the rules for shapes
