"""MyGrad's module paths and error classes."""

from importlib import import_module

import pytest

import wengert as wg
import wengert.compat.mygrad as mg
from wengert.compat.mygrad.errors import DisconnectedView, InvalidBackprop, InvalidGradient, MyGradException
from wengert.compat.mygrad.modules import NAMES, look_up, source_of


def test_namespace_is_wengerts():
    assert mg.tensor is wg.tensor
    assert mg.Tensor is wg.Tensor
    assert {"tensor", "execute_op", "exp"} <= set(dir(mg))
    with pytest.raises(AttributeError, match="no_such_function"):
        mg.no_such_function  # noqa: B018


def test_error_classes():
    assert issubclass(InvalidBackprop, MyGradException)
    assert issubclass(InvalidGradient, MyGradException)
    assert issubclass(DisconnectedView, MyGradException)


@pytest.mark.parametrize("path", NAMES)
def test_every_name_resolves(path):
    module = import_module(f"wengert.compat.mygrad.{path}")
    for name in NAMES[path].split():
        assert getattr(module, name) is look_up(source_of(path), name)
    assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match="no_such_name"):
        module.no_such_name  # noqa: B018


def test_modules_below_functions_of_their_name():
    module = import_module("wengert.compat.mygrad.nnet.layers.gru")
    layers = import_module("wengert.compat.mygrad.nnet.layers")
    assert layers.gru is module.gru
