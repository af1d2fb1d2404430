"""What holds for all tests: nothing global is left changed."""

import gc
import os
import tempfile

import numpy as np
import pytest

from wengert.core import dispatch, guard, modes
from wengert.core.masking import is_strict
from wengert.core.registry import FUNCTIONS, OPS, UFUNCS

os.environ.setdefault("WENGERT_CACHE_DIR", tempfile.mkdtemp(prefix="wengert-"))  # not the person's own


def global_state():
    switches = modes.special, modes.unguarded, modes.is_guard_on(), modes.debugging(), modes.floor(), is_strict()
    open_levels = len(dispatch._OPEN), len(guard._kept)
    tables = len(OPS), len(UFUNCS), len(FUNCTIONS)
    return np.geterr(), np.get_printoptions(), gc.isenabled(), switches, open_levels, tables


@pytest.fixture(autouse=True)
def _globals_are_sealed():
    before = global_state()
    yield
    assert global_state() == before
