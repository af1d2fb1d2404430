"""``build_graph``, under the module name that MyGrad's programs import it from."""

from wengert.plotting import build_graph

__all__ = ["build_graph"]
