"""Arguments in containers of every kind, and gradients of the same type."""

import dataclasses
from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import Any, NamedTuple

import attrs
import numpy as np
import pytest

import wengert as wg
from wengert.core.trees import flatten, paths, tree_map
from wengert.errors import InputError, TreeError

W = np.array([1.0, 2.0])
Point = namedtuple("Point", ["w", "c"])


class Typed(NamedTuple):
    w: Any
    c: Any = 0.0


@dataclasses.dataclass
class Record:
    w: Any
    c: Any


@dataclasses.dataclass(frozen=True)
class Frozen:
    w: Any
    c: Any


@dataclasses.dataclass(slots=True)
class Slotted:
    w: Any
    c: Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSlotted:
    w: Any
    c: Any


@dataclasses.dataclass
class Checked:
    w: Any
    c: Any

    def __post_init__(self):
        if not isinstance(self.c, float):
            raise TypeError("c must be a float")


@attrs.define
class Attrs:
    w: Any
    c: Any


@attrs.frozen
class FrozenAttrs:
    w: Any
    c: Any


@dataclasses.dataclass
class WithSettings:
    w: Any
    c: Any
    name: str = dataclasses.field(default="layer", metadata={"static": True})
    size: int = dataclasses.field(default=3, metadata={"static": True})


@attrs.define
class AttrsWithSettings:
    w: Any
    c: Any
    name: str = attrs.field(default="layer", metadata={"static": True})


RECORDS = [
    Point, Typed, Record, Frozen, Slotted, FrozenSlotted, Checked, Attrs, FrozenAttrs, WithSettings, AttrsWithSettings
]  # fmt: skip


def loss(p):
    return np.sum(p.w * p.w) * p.c


@pytest.mark.parametrize("kind", RECORDS)
def test_records(kind):
    record = kind(w=W, c=3.0)
    value, gradient = wg.value_and_grad(loss)(record)
    assert value == 15.0
    assert type(gradient) is kind
    np.testing.assert_array_equal(gradient.w, 6 * W)
    assert type(gradient.c) is float
    assert gradient.c == 5.0


@pytest.mark.parametrize("kind", [kind for kind in RECORDS if kind is not Checked])
def test_records_in_every_transformation(kind):
    record, direction = kind(w=W, c=3.0), kind(w=np.ones(2), c=0.0)
    assert wg.jvp(loss, (record,), (direction,))[1] == 18.0
    value, pullback = wg.vjp(lambda p: kind(w=p.w * p.c, c=p.c), record)
    assert type(value) is kind
    assert pullback(direction).c == 3.0
    product = wg.hvp(loss, (record,), (direction,))
    assert type(product) is kind
    np.testing.assert_array_equal(product.w, [6.0, 6.0])
    assert product.c == 6.0


def test_static_fields_are_kept():
    gradient = wg.grad(loss)(WithSettings(W, 3.0, "output", 7))
    assert (gradient.name, gradient.size) == ("output", 7)
    assert wg.grad(loss)(AttrsWithSettings(W, 3.0, "output")).name == "output"


@pytest.mark.parametrize(
    "tree",
    [
        {"w": W, "c": 3.0},
        OrderedDict(w=W, c=3.0),
        defaultdict(float, w=W, c=3.0),
    ],
    ids=["dict", "OrderedDict", "defaultdict"],
)
def test_mappings(tree):
    gradient = wg.grad(lambda p: np.sum(p["w"]) * p["c"])(tree)
    assert type(gradient) is type(tree)
    assert list(gradient) == list(tree) or type(tree) is dict
    np.testing.assert_array_equal(gradient["w"], [3.0, 3.0])
    assert gradient["c"] == 3.0


@pytest.mark.parametrize("kind", [list, tuple, deque])
def test_sequences(kind):
    gradient = wg.grad(lambda p: np.sum(p[0]) * p[1])(kind([W, 3.0]))
    assert type(gradient) is kind
    np.testing.assert_array_equal(gradient[0], [3.0, 3.0])
    assert gradient[1] == 3.0


def test_nesting():
    tree = {"layers": [Record(W, Point(1.0, [2.0])), Record(W, Point(np.float32(3.0), []))], "none": None}
    gradient = wg.grad(lambda t: np.sum(t["layers"][0].w * t["layers"][0].c.c[0]) + t["layers"][1].c.w)(tree)
    np.testing.assert_array_equal(gradient["layers"][0].w, [2.0, 2.0])
    assert gradient["layers"][0].c == Point(0.0, [3.0])
    np.testing.assert_array_equal(gradient["layers"][1].w, [0.0, 0.0])
    assert gradient["layers"][1].c == Point(1.0, [])
    assert type(gradient["layers"][1].c.w) is np.float32
    assert gradient["none"] is None


def test_numbers_of_every_type_in_a_record():
    record = {"a": 2.0, "b": 1j, "c": np.float32(3), "d": np.array(4.0), "e": np.array([5.0], np.float16)}
    gradient = wg.grad(lambda r: r["a"] * np.real(r["b"] * -1j) * r["c"] * r["d"] * np.sum(r["e"]))(record)
    assert [type(g) for g in gradient.values()] == [type(r) for r in record.values()]
    assert [np.result_type(g) for g in gradient.values()] == [np.result_type(r) for r in record.values()]
    assert gradient == {"a": 60.0, "b": 120j, "c": 40.0, "d": 30.0, "e": 24.0}


@pytest.mark.parametrize("empty", [{}, [], (), None])
def test_empty_containers(empty):
    gradient = wg.grad(lambda pair: np.sum(pair[0]))((W, empty))
    assert gradient[1] == empty


def test_values_in_trees_keep_their_type():
    value, tangent = wg.jvp(lambda x: Record(x, {"y": (2.0 * x,)}), (W,), (W,))
    assert type(value) is type(tangent) is Record
    np.testing.assert_array_equal(tangent.c["y"][0], 2 * W)


def test_two_arguments_of_different_structure():
    first, second = wg.grad(lambda p, q: p[0] * q["x"], (0, 1))([2.0], {"x": 3.0})
    assert first == [3.0]
    assert second == {"x": 2.0}


@pytest.mark.parametrize(
    ("tree", "place", "kind"),
    [
        ({"w": W, "n": 3}, "['n']", "int64"),
        ([W, "name"], "[1]", "str"),
        (Record(W, True), ".c", "bool"),
        (Record(W, {1, 2}), ".c", "set"),
        (Record(W, Record(W, object())), ".c.c", "object"),
    ],
)
def test_a_leaf_without_derivative_is_named_with_its_place(tree, place, kind):
    with pytest.raises(InputError) as caught:
        wg.grad(lambda t: 0.0)(tree)
    message = str(caught.value)
    assert f"argument 0{place} " in message
    assert kind in message
    assert 'metadata={"static": True}' in message


def test_the_same_leaves_in_another_structure_differ():
    for other in ([1.0], [1.0, 2.0], {"b": 1.0, "c": 2.0}, 1.0):
        with pytest.raises(TreeError, match=r"differ in structure.*\['a'\].*\['b'\]"):
            tree_map(lambda a, b: a + b, {"a": 1.0, "b": 2.0}, other)


def test_paths_are_written_as_in_python():
    assert paths({"a": [W, Point(1.0, 2.0)], "b": Record(W, 1.0)}) == [
        "['a'][0]",
        "['a'][1].w",
        "['a'][1].c",
        "['b'].w",
        "['b'].c",
    ]
    assert paths(W) == [""]


def test_flatten_and_build_are_inverse():
    tree = {"a": [1.0, (2.0, None)], "b": Slotted(W, 3.0)}
    leaves, build = flatten(tree)
    assert len(leaves) == 4
    again = build([2 * x for x in leaves])
    assert again["a"] == [2.0, (4.0, None)]
    np.testing.assert_array_equal(again["b"].w, 2 * W)


@dataclasses.dataclass
class Scaled:
    x: float
    scale = 1.0


def test_what_a_record_holds_besides_its_fields_is_kept():
    record = Scaled(2.0)
    record.scale = 3.0
    value, gradient = wg.value_and_grad(lambda r: r.x * r.scale)(record)
    assert (value, gradient.x, gradient.scale) == (6.0, 3.0, 3.0)
