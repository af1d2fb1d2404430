"""MyGrad's programs give with wengert what they give with MyGrad."""

import pytest

from tests.mygrad_programs import PROGRAMS, Library
from tests.mygrad_results import assert_same


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_gives_the_same(name):
    program = PROGRAMS[name]
    assert_same(program(Library("wengert", "wengert.compat.mygrad")), program(Library("mygrad", "mygrad")))
