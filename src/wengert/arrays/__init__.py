"""The kinds of boxed array: ``Tensor`` records what is done to it, ``Dual`` carries a tangent along."""

from wengert.arrays import shortcuts as _shortcuts  # noqa: F401 - gives Tensor its operators
from wengert.arrays.dual import Dual
from wengert.arrays.tensor import Tensor, tensor

__all__ = ["Dual", "Tensor", "tensor"]
