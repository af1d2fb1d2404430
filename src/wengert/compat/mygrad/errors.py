"""MyGrad's error classes: wengert's own, under the names that a program catches."""

from wengert.errors import DisconnectedView, InvalidBackprop, InvalidGradient, WengertError

__all__ = ["DisconnectedView", "InvalidBackprop", "InvalidGradient", "MyGradException"]

MyGradException = WengertError
