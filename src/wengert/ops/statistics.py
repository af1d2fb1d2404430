"""Covariances and correlations, and histograms.

A count does not change when a number moves a little, but weights that are added up do, and so do the edges of bins
that span the data. So a histogram has derivatives by its weights, and its edges by the least and the greatest number,
which a density feels through the widths of the bins.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.core.aliasing import innermost, is_traced, keeps_gradient, known
from wengert.core.arraymethods import converted
from wengert.core.dispatch import Box, operand
from wengert.ops.cases import Call, call
from wengert.ops.contract import conjugate
from wengert.ops.entries import composite
from wengert.ops.index import plain_index, read_at, spread
from wengert.ops.queries import plain_tree
from wengert.ops.shape import array_of, at_least

__all__: list[str] = []


# Covariances


def _variables(m: Any, rowvar: bool) -> Array:
    """``m`` with a row for each variable and a column for each observation."""
    m = array_of(m)
    if m.ndim > 2:
        raise ValueError(f"np.cov takes arrays with one axis or two; a shape is {m.shape}.")
    rows = at_least(2, m)
    return rows if rowvar or m.ndim < 2 else np.transpose(rows)


def _weights(fweights: Any, aweights: Any) -> Array:
    """How much each observation counts; ``None`` if all count once."""
    if fweights is None or aweights is None:
        return aweights if fweights is None else fweights
    return fweights * aweights


def _check_weights(weights: Any, n: int, name: str) -> Any:
    if weights is None:
        return None
    weights = operand(weights)
    if np.shape(weights) != (n,):
        raise ValueError(f"np.cov: {name} of shape {np.shape(weights)} for {n} observations.")
    if np.any(plain_tree(weights) < 0):
        raise ValueError(f"np.cov: {name} can't be negative.")
    if name == "fweights" and weights.dtype.kind not in "iub":
        raise TypeError(f"np.cov: fweights count observations, so they are integers; got {weights.dtype}.")
    return weights


def _spreads(rng: np.random.Generator) -> list[Call]:
    m = rng.normal(size=(2, 4))
    return [
        call(m),
        call(m, m[:1] ** 2, rowvar=True),
        call(m.T, rowvar=False),
        call(m[0], rng.normal(size=4)),
        call(rng.normal(size=3)),
    ]


def _weighted_spreads(rng: np.random.Generator) -> list[Call]:
    m = rng.normal(size=(2, 4))
    return [
        *_spreads(rng),
        call(m, bias=True),
        call(m, ddof=0, fweights=[1, 2, 1, 3]),
        call(m, aweights=rng.uniform(0.5, 1.5, 4)),
        call(m, ddof=2, fweights=np.array([2, 1, 1, 1]), aweights=rng.uniform(0.5, 1.5, 4)),
    ]


@composite(np.cov, samples=_weighted_spreads)
def _cov(
    m: Array,
    y: Array = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Array:
    x = _variables(m, rowvar)
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar)], axis=0)
    x = converted(x, np.result_type(x.dtype, np.float64) if dtype is None else dtype, copy=False)
    n = x.shape[1]
    fweights, aweights = _check_weights(fweights, n, "fweights"), _check_weights(aweights, n, "aweights")
    ddof = (0 if bias else 1) if ddof is None else ddof
    w = _weights(fweights, aweights)
    if w is None:
        total: Any = float(n)
        mean = np.mean(x, axis=1, keepdims=True)
        freedom = total - ddof
    else:
        total = np.sum(w)
        mean = np.sum(x * w, axis=1, keepdims=True) / total
        freedom = total - ddof * (1.0 if aweights is None else np.sum(w * aweights) / total)
    if plain_tree(freedom) <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=3)
        freedom = 0.0
    d = x - mean
    covariances = np.dot(d, conjugate(np.transpose(d if w is None else d * w)))
    return np.squeeze(covariances * np.true_divide(1.0, freedom))


@composite(np.corrcoef, samples=_spreads)
def _corrcoef(x: Array, y: Array = None, rowvar: bool = True, *, dtype: Any = None) -> Array:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviations = np.sqrt(np.real(np.diagonal(c)))
    c = c / deviations[:, None] / deviations
    if c.dtype.kind != "c":
        return np.clip(c, -1.0, 1.0)
    return np.clip(np.real(c), -1.0, 1.0) + 1j * np.clip(np.imag(c), -1.0, 1.0)


# Histograms


def _edges(a: Array, bins: Any, limits: Any, plain: np.ndarray[Any, Any]) -> Array:
    """The edges of bins, where their values are known to be ``plain``."""
    if not isinstance(bins, str) and np.ndim(bins) == 1:
        return bins if isinstance(bins, Box) else plain
    boxed = isinstance(a, Box)
    if limits is not None:
        low, high = limits
    elif boxed and a.size and plain.dtype.kind == "f":
        low, high = np.min(a), np.max(a)
        if plain_tree(low) == plain_tree(high):
            low, high = low - 0.5, high + 0.5
    else:
        return plain
    if not isinstance(low, Box) and not isinstance(high, Box):
        return plain
    return converted(np.linspace(low, high, len(plain)), plain.dtype, copy=False)


def _bins_of(a: Any, edges: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The bin of each number; the last bin has both its edges, and what is in none has -1."""
    places = np.searchsorted(edges, a, "right") - 1
    places[a == edges[-1]] = len(edges) - 2
    places[places >= len(edges) - 1] = -1
    return places


def _tallied(columns: Sequence[Array], edges: Sequence[Array], weights: Any) -> Array:
    """How many points there are in each bin, or their weights added up, where a function is being traced."""
    lengths = tuple([len(e) - 1 for e in edges])
    index = []
    for x, e, n in zip(columns, edges, lengths, strict=True):
        x = np.ravel(x)
        places = np.where(x == e[-1], n - 1, np.searchsorted(e, x, "right") - 1)
        index.append(np.where(places < 0, n, places))  # the bin behind the last, for what is in none
    values = np.ones(index[0].shape, np.intp) if weights is None else np.ravel(operand(weights))
    counts = spread([plain_index(tuple(index))], [values], tuple([n + 1 for n in lengths]), values.dtype)
    return read_at(counts, tuple([slice(n) for n in lengths]))


def _plain_edges(bins: Any, limits: Any, name: str, a: Array) -> Array:
    """The edges of bins, where they don't depend on the data ``a``; an error where they do."""
    if np.ndim(bins) == 1 and not isinstance(bins, str):
        return operand(bins)
    if isinstance(bins, str) or limits is None:
        known(a, f"{name} without explicit edges or a range")
    return np.histogram_bin_edges(np.empty(0), bins, limits)


def _added_up(columns: Sequence[Array], edges: Sequence[np.ndarray[Any, Any]], weights: Array) -> Array:
    """The weights of each bin added up, where they carry a derivative."""
    places = np.stack([_bins_of(np.ravel(known(x, "np.histogram")), e) for x, e in zip(columns, edges, strict=True)])
    inside = np.flatnonzero((places >= 0).all(axis=0))
    index = tuple(places[:, inside])
    return spread([index], [np.ravel(weights)[inside]], tuple([len(e) - 1 for e in edges]), weights.dtype)


def _as_density(counts: Array, edges: Sequence[Array]) -> Array:
    total = np.sum(counts)
    for axis, e in enumerate(edges):
        widths = converted(np.diff(e), np.float64, copy=False)
        counts = counts / np.reshape(widths, [-1 if i == axis else 1 for i in range(len(edges))])
    return counts / total


def _data(rng: np.random.Generator) -> list[Call]:
    a = rng.permutation(8) / 3.0
    w = rng.uniform(0.5, 1.5, 8)
    return [
        call(a, 4),
        call(a.reshape(2, 4), 3, density=True),
        call(a, np.array([0.1, 0.9, 1.7]), density=True),
        call(a, [0, 1, 2], weights=w),
        call(a, 3, (0.1, 1.7), True, w),
    ]


@composite(
    np.histogram_bin_edges, samples=lambda rng: [call(rng.normal(size=5), 4), call(rng.normal(size=4), bins="sqrt")]
)
def _histogram_bin_edges(a: Array, bins: Any = 10, range: Any = None, weights: Any = None) -> Array:  # noqa: A002
    if is_traced(a):
        return _plain_edges(bins, range, "np.histogram_bin_edges", a)
    plain = np.histogram_bin_edges(known(a, "np.histogram_bin_edges"), *plain_tree((bins, range, weights)))
    return _edges(a, bins, range, plain)


@composite(np.histogram, samples=_data)
def _histogram(
    a: Array,
    bins: Any = 10,
    range: Any = None,  # noqa: A002 - NumPy's name
    density: bool | None = None,
    weights: Any = None,
) -> tuple[Array, Array]:
    if is_traced(a) or is_traced(weights) or is_traced(bins):
        edges = _plain_edges(bins, range, "np.histogram", a)
        counts = _tallied([a], [edges], weights)
        return (_as_density(counts, [edges]) if density else counts), edges
    counts, plain = np.histogram(innermost(a), plain_tree(bins), plain_tree(range), weights=plain_tree(weights))
    if keeps_gradient(weights):
        counts = _added_up([a], [plain], weights)
    edges = _edges(a, bins, range, plain)
    return (_as_density(counts, [edges]) if density else counts), edges


def _columns(sample: Any) -> list[Array]:
    """The coordinates of points, one array for each."""
    if isinstance(sample, list | tuple):
        return [np.ravel(array_of(x)) for x in sample]
    sample = array_of(sample)
    return [sample] if sample.ndim == 1 else [sample[:, i] for i in range(sample.shape[1])]


def _points(rng: np.random.Generator) -> list[Call]:
    points = np.stack([rng.permutation(6), rng.permutation(6)], axis=1) / 3.0
    w = rng.uniform(0.5, 1.5, 6)
    return [
        call(points, 2),
        call(points, [3, 2], density=True),
        call(points, [np.array([0.1, 0.9, 1.7]), 2], density=True, weights=w),
        call(points, 2, [(0.1, 1.5), None], None, w),
        call([points[:, 0], points[:, 1]], 2),
    ]


@composite(np.histogramdd, samples=_points)
def _histogramdd(
    sample: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002 - NumPy's name
    density: bool | None = None,
    weights: Any = None,
) -> tuple[Array, list[Array]]:
    columns = _columns(sample)
    d = len(columns)
    each = bins if np.iterable(bins) else [bins] * d
    limits = [None] * d if range is None else range
    if any([is_traced(x) for x in (*columns, weights, *each)]):
        edges = [_plain_edges(b, r, "np.histogramdd", x) for b, r, x in zip(each, limits, columns, strict=True)]
        counts = converted(_tallied(columns, edges, weights), np.float64, copy=False)
        return (_as_density(counts, edges) if density else counts), edges
    plain_sample = np.stack([innermost(x) for x in columns], axis=1)
    counts, plain = np.histogramdd(plain_sample, plain_tree(bins), plain_tree(range), weights=plain_tree(weights))
    if keeps_gradient(weights):
        counts = converted(_added_up(columns, plain, weights), counts.dtype, copy=False)
    edges = [_edges(x, b, r, p) for x, b, r, p in zip(columns, each, limits, plain, strict=True)]
    return (_as_density(counts, edges) if density else counts), edges


@composite(
    np.histogram2d,
    samples=lambda rng: [
        call(rng.permutation(5) / 3.0, rng.permutation(5) / 3.0, 2, density=True),
        call(rng.permutation(5) / 3.0, rng.permutation(5) / 3.0, np.array([0.1, 0.9, 1.5])),
        call(np.arange(4) / 3.0, np.arange(4) / 3.0, [2, 1], weights=rng.uniform(0.5, 1.5, 4)),
    ],
)
def _histogram2d(
    x: Array,
    y: Array,
    bins: Any = 10,
    range: Any = None,  # noqa: A002 - NumPy's name
    density: bool | None = None,
    weights: Any = None,
) -> tuple[Array, Array, Array]:
    if len(x) != len(y):
        raise ValueError(f"np.histogram2d: x has {len(x)} numbers and y {len(y)}.")
    if hasattr(bins, "__len__") and len(bins) not in (1, 2):
        bins = [bins, bins]
    counts, edges = np.histogramdd([x, y], bins, range, density, weights)
    return counts, edges[0], edges[1]
