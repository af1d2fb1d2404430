"""Pictures of what is recorded."""

from wengert.plotting.graphs import build_graph

__all__ = ["build_graph"]
