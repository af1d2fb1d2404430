"""The kinds of boxed array: ``Tensor`` records, ``Dual`` carries a tangent along, ``Batched`` has many examples."""

from wengert.arrays import batched_shortcuts as _batched_shortcuts  # noqa: F401 - gives Batched its operators
from wengert.arrays import shortcuts as _shortcuts  # noqa: F401 - gives Tensor its operators
from wengert.arrays.dual import Dual
from wengert.arrays.tensor import Tensor, tensor

__all__ = ["Dual", "Tensor", "tensor"]
