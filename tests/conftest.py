"""What holds for all tests: nothing global is left changed."""

import gc

import numpy as np
import pytest

from wengert.core.masking import is_strict
from wengert.core.registry import FUNCTIONS, OPS, UFUNCS


def global_state():
    return np.geterr(), np.get_printoptions(), is_strict(), gc.isenabled(), len(OPS), len(UFUNCS), len(FUNCTIONS)


@pytest.fixture(autouse=True)
def _globals_are_sealed():
    before = global_state()
    yield
    assert global_state() == before
