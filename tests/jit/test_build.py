"""The builder: values made once, constants folded, identities that hold for every number and no others."""

import numpy as np
import pytest

from wengert.compiler.build import Builder, dense_strides
from wengert.compiler.graph import Affine

F8 = np.dtype(float)
F4 = np.dtype(np.float32)
I8 = np.dtype(np.int64)
B1 = np.dtype(bool)


@pytest.fixture
def b():
    return Builder()


@pytest.fixture
def x(b):
    return b.input((3, 4), F8)


def test_equal_values_are_made_once(b, x):
    assert b.map("mul", x, x) is b.map("mul", x, x)
    assert b.map("mul", x, x) is not b.map("add", x, x)
    assert b.number(1.5, F8) is b.number(1.5, F8)
    assert b.number(1.0, F8) is not b.number(1.0, F4)


def test_zeros_of_different_sign_are_different_constants(b):
    assert b.number(0.0, F8) is not b.number(-0.0, F8)


def test_constants_are_folded(b):
    folded = b.map("add", b.number(2, F8), b.map("exp", b.number(0, F8)))
    assert folded.prim == "constant"
    assert folded.attrs == 3.0


@pytest.mark.parametrize(
    ("fn", "number", "simplifies"),
    [("mul", 1, True), ("mul", 0, False), ("add", -0.0, True), ("add", 0.0, False), ("sub", 0.0, True),
     ("sub", -0.0, False), ("div", 1, True), ("pow", 1, True), ("mul", 2, False), ("div", 3, False)],
)  # fmt: skip
def test_identities_hold_for_every_number(b, x, fn, number, simplifies):
    assert (b.map(fn, x, b.number(number, F8)) is x) is simplifies


def test_adding_zero_keeps_integers(b):
    n = b.input((2,), I8)
    assert b.map("add", n, b.number(0, I8)) is n


def test_negations_cancel(b, x):
    y = b.input((3, 4), F8)
    assert b.map("neg", b.map("neg", x)) is x
    assert b.map("add", x, b.map("neg", y)) is b.map("sub", x, y)
    assert b.map("sub", x, b.map("neg", y)) is b.map("add", x, y)
    assert b.map("mul", b.map("neg", x), b.map("neg", y)) is b.map("mul", x, y)


def test_division_by_a_power_of_two_is_a_product(b, x):
    assert b.map("div", x, b.number(8.0, F8)) is b.map("mul", x, b.number(0.125, F8))
    assert b.map("div", x, b.number(10.0, F8)).attrs == "div"
    tiny = b.number(2.0**-1074, F8)
    assert b.map("div", x, tiny).attrs == "div"


@pytest.mark.parametrize("n", [2, 3, 4])
def test_small_powers_are_products(b, x, n):
    made = b.map("pow", x, b.number(n, F8))
    assert made.attrs == "mul"
    assert b.map("pow", x, b.number(2.5, F8)).attrs == "pow"


def test_equal_choices_need_no_condition(b, x):
    condition = b.map("lt", x, b.number(0, F8))
    assert b.map("select", condition, x, x) is x
    assert b.map("select", b.number(True, B1), x, b.number(0, F8)) is x


def test_an_array_of_equal_elements_is_a_number(b):
    made = b.array(np.full((2, 3), 7.0))
    assert made.prim == "view"
    assert made.inputs[0] is b.number(7, F8)
    assert b.array(np.array([0.0, -0.0])).prim == "constant"


def test_broadcast_operands_are_computed_small(b):
    row = b.input((4,), F8)
    wide = b.broadcast(row, (3, 4))
    made = b.map("exp", wide)
    assert made.shape == (3, 4)
    assert made.prim == "view"
    assert made.inputs[0].shape == (4,)


def test_views_of_views_are_views_of_the_base(b, x):
    part = b.through(b.transpose(x, (1, 0)), lambda m: m[1:, ::-1])
    assert part.inputs[0] is x
    assert part.shape == (3, 3)
    assert part.attrs == Affine(1 + 4 * 2, (1, -4))


def test_a_view_of_everything_is_the_base(b, x):
    assert b.transpose(b.transpose(x, (1, 0)), (1, 0)) is x
    assert b.reshape(b.reshape(x, (12,)), (3, 4)) is x


def test_what_numpy_copies_is_copied(b, x):
    made = b.reshape(b.transpose(x, (1, 0)), (12,))
    assert made.inputs[0].attrs == "copy"
    assert made.inputs[0].shape == (4, 3)


def test_sums_of_repeated_elements_are_products(b):
    row = b.input((4,), F8)
    made = b.reduce("sum", b.broadcast(row, (3, 4)), (0,))
    assert made.attrs == "mul"
    assert b.reduce("max", b.broadcast(row, (3, 4)), (0,)) is row


def test_sums_over_one_element_are_none(b):
    column = b.input((3, 1), F8)
    assert b.reduce("sum", column, (1,)).prim == "view"
    assert b.reduce("sum", column, ()) is column


def test_consecutive_parts_join_to_a_view(b):
    x = b.input((5, 4), F8)
    parts = [b.through(x, lambda m, i=i: m[i : i + 1]) for i in range(1, 4)]
    joined = b.join(parts, 0, (3, 4), F8)
    assert joined.prim == "view"
    assert joined.attrs == Affine(4, (4, 1))
    assert b.join(parts[::-1], 0, (3, 4), F8).attrs == Affine(12, (-4, 1))
    assert b.join([parts[0], parts[2], parts[1]], 0, (3, 4), F8).prim == "join"


def test_strides_of_a_dense_array():
    assert dense_strides((2, 3, 4)) == (12, 4, 1)
    assert dense_strides(()) == ()
