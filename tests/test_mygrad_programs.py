"""MyGrad's programs run with wengert, by either way of importing it, and give the same."""

import numpy as np
import pytest

from tests.mygrad_programs import PROGRAMS, Library
from tests.mygrad_results import assert_same

COMPAT = "wengert.compat.mygrad"


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_runs(name):
    program = PROGRAMS[name]
    found = program(Library("wengert", COMPAT))
    assert_same(found, program(Library(COMPAT, COMPAT)), rtol=0.0)


def test_comparison_fails_where_results_differ():
    for one, other in [
        ({"x": np.ones(2)}, {"x": np.ones(2) + 1e-9}),
        ({"x": np.ones(2)}, {"x": np.ones(3)}),
        ({"x": np.ones(2)}, {"x": np.ones(2, np.float32)}),
        ({"x": True}, {"x": False}),
        ({"x": None}, {"x": np.ones(2)}),
        ({"x": 1.0}, {"y": 1.0}),
    ]:
        with pytest.raises(AssertionError):
            assert_same(one, other)
