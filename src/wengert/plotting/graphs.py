"""A drawing of the graph that a tensor was computed by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.arrays.tensor import Tensor
from wengert.core.aliasing import innermost
from wengert.core.op import Like
from wengert.core.tape import SAME, Node
from wengert.errors import InputError

__all__ = ["build_graph"]

_LONGEST = 12  # elements that are written out in a label
_PLAIN_PARAMS = (int, float, str, tuple, slice, np.dtype, type)


def build_graph(
    fin: Tensor,
    names: Mapping[str, Any] | None = None,
    *,
    render: bool = True,
    save: bool = False,
    dims: bool = False,
    dtypes: bool = False,
    sum_stats: bool = False,
) -> Any:
    """The graph that ``fin`` was computed by, as a ``graphviz.Digraph``, which a notebook displays.

    Ellipses are operations, boxes tensors, dashed boxes constants. ``names`` maps names to the tensors and arrays that
    they label, for which ``locals()`` will do. Of the tensors without a name a value is shown where it is still known:
    the tape keeps only those that a derivative needs. ``dims`` adds shapes, ``dtypes`` dtypes, ``sum_stats`` minimum,
    median, mean and maximum where values are known. With ``save`` the drawing is also written to
    ``computational_graph.pdf`` in the current directory, which needs Graphviz's programs; with ``render=False``
    nothing is returned. Of a tensor that a person made, or whose graph was cleared, a single box is drawn.

    Raises ``InputError`` if ``fin`` is no tensor, ``ImportError`` if the package graphviz is missing.

    >>> import numpy as np, wengert as wg
    >>> from wengert.computational_graph import build_graph
    >>> x = wg.tensor([1.0, 2.0])
    >>> y = np.sum(x * [3.0, 4.0])
    >>> print(build_graph(y, names={"x": x, "y": y}).source)  # doctest: +ELLIPSIS
    digraph {
    ...label=sum...
    """
    if not isinstance(fin, Tensor):
        raise InputError(f"build_graph draws the graph of a tensor; got a {type(fin).__name__}.")
    if names is not None and not isinstance(names, Mapping):
        raise InputError(f"build_graph: names must map names to tensors, e.g. locals(); got a {type(names).__name__}.")
    try:
        import graphviz
    except ImportError as error:
        raise ImportError(
            'build_graph needs the package graphviz. Install it with: pip install "wengert[plotting]"'
        ) from error
    labels = _Labels(names, dims, dtypes, sum_stats)
    graph = graphviz.Digraph(node_attr={"fontsize": "12", "shape": "box"})
    root = _node_of(fin)
    if root is None:
        graph.node("constant", labels.constant(fin._inner), style="dashed")
    else:
        labels.add(fin, root)
        nodes = list(_history(root))
        for node in nodes:
            labels.learn(node)
        for node in nodes:
            _draw(graph, node, labels)
    if save:
        graph.render("computational_graph", cleanup=True)
    return graph if render else None


def _node_of(x: Tensor) -> Node | None:
    """The node that recorded ``x``, a variable or a constant computed from constants."""
    node = x._current()._node
    if node is None and x._alias is not None and not x._alias.is_view:
        node = x._alias.origin
    return _owner(node)


def _owner(node: Node | None) -> Node | None:
    """The node that a tensor has now, of one that only stands for it where it was used earlier."""
    while node is not None and node.op is SAME and not node.spent:
        node = node.parents[0]
    return node


def _history(root: Node) -> Iterator[Node]:
    """``root`` and all that it was computed from, each once."""
    found, stack = {root}, [root]
    while stack:
        node = stack.pop()
        yield node
        for parent in map(_owner, node.parents):
            if parent is not None and parent not in found:
                found.add(parent)
                stack.append(parent)


def _draw(graph: Any, node: Node, labels: _Labels) -> None:
    """One tensor, and the operation that made it with the edges from its inputs."""
    graph.node(f"t{node.number}", labels.tensor(node))
    if node.op is None or node.spent:
        return
    graph.node(f"o{node.number}", _operation(node), shape="ellipse", style="filled", fillcolor="lightgrey")
    graph.edge(f"o{node.number}", f"t{node.number}")
    for i, parent in enumerate(map(_owner, node.parents)):
        if parent is not None:
            graph.edge(f"t{parent.number}", f"o{node.number}")
            continue
        x = node.xs[i] if i < len(node.xs) else None
        name = f"c{id(x)}" if isinstance(x, np.ndarray) else f"c{node.number}.{i}"
        graph.node(name, labels.constant(x), style="dashed")
        graph.edge(name, f"o{node.number}")


def _operation(node: Node) -> str:
    """The operation's name, and those of its parameters that are short to say."""
    assert node.op is not None
    said = [
        f"{key}={value!r}"
        for key, value in node.params.items()
        if key != "order" and isinstance(value, _PLAIN_PARAMS) and len(repr(value)) <= 30
    ]
    return "\n".join([node.op.name, *said])


class _Labels:
    """What is written into the boxes: names, and values as far as they are known."""

    def __init__(self, names: Mapping[str, Any] | None, dims: bool, dtypes: bool, sum_stats: bool) -> None:
        self.named = names is not None
        self.dims = dims
        self.dtypes = dtypes
        self.sum_stats = sum_stats
        self.of_tensor = [(str(name), x) for name, x in (names or {}).items() if isinstance(x, Tensor | np.ndarray)]
        self.of_node: dict[Node, str] = {}
        self.values: dict[Node, Array] = {}
        for _, x in self.of_tensor:
            if isinstance(x, Tensor) and (node := _node_of(x)) is not None and not node.spent:
                self.add(x, node)

    def add(self, x: Tensor, node: Node) -> None:
        """Note name and value of a tensor and its node."""
        self.values[node] = innermost(x)
        self.of_node.update([(node, name) for name, named in self.of_tensor if named is x][:1])

    def learn(self, node: Node) -> None:
        """Note the values that ``node`` keeps."""
        if node.y is not None:
            self.values.setdefault(node, innermost(node.y))
        for parent, x in zip(map(_owner, node.parents), node.xs, strict=False):
            if parent is not None and x is not None and not isinstance(x, Like):
                self.values.setdefault(parent, innermost(x))

    def tensor(self, node: Node) -> str:
        """The label of a variable."""
        return self._label(self.of_node.get(node), "Tensor", self.values.get(node), node)

    def constant(self, x: Any) -> str:
        """The label of a constant, ``None`` if nothing is known of it."""
        if x is None:
            return "constant"
        if isinstance(x, Like):
            return self._label(None, "constant", None, x)
        x = innermost(x)
        name = next((name for name, named in self.of_tensor if innermost(named) is x), None)
        return self._label(None if name is None else f"{name}\nconstant", "constant", x, np.asarray(x))

    def _label(self, name: str | None, kind: str, x: Array, like: Any) -> str:
        value = None if x is None else np.asarray(x)
        if name is None:
            if value is not None and value.ndim == 0:
                name = str(value)
            elif value is not None and value.size <= _LONGEST and not self.named:
                name = kind + np.array2string(value, separator=", ", prefix=kind).join("()")
            else:
                name = kind if self.dims and self.dtypes else f"{kind}: {like.dtype} {like.shape}"
        lines = [name]
        if self.dims and like.shape:
            lines.append(f"Dims: {like.shape}")
        if self.dtypes:
            lines.append(f"Dtype: {like.dtype}")
        if self.sum_stats and value is not None and value.ndim and value.size and value.dtype.kind in "biuf":
            for word, statistic in (("Min", np.min), ("Median", np.median), ("Mean", np.mean), ("Max", np.max)):
                lines.append(f"{word}: {statistic(value):.6g}")
        return "\n".join(lines)
