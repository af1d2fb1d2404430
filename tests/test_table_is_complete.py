"""Nothing of the table goes untested, and nothing of NumPy's ufuncs goes unmentioned."""

import numpy as np

from tests.calls import FUNCTIONS_WITH_CASES, bind, kind_of, name_of, samples
from wengert.core.registry import FUNCTIONS, OPS, UFUNCS
from wengert.ops.cases import CASES

NUMPYS_UFUNCS = {f.__name__: f for f in vars(np).values() if isinstance(f, np.ufunc)}


def test_every_function_has_a_case():
    without = [name_of(f) for f in (*UFUNCS, *FUNCTIONS) if f not in CASES]
    assert without == []


def test_every_case_has_a_function():
    assert [name_of(f) for f in CASES if f not in UFUNCS and f not in FUNCTIONS] == []


def test_every_differentiable_function_has_samples():
    differentiable = [f for f in FUNCTIONS_WITH_CASES if kind_of(f) != "constant"]
    assert [name_of(f) for f in differentiable if not samples(f)] == []


def test_every_sample_varies_something():
    for f in FUNCTIONS_WITH_CASES:
        for call in samples(f):
            assert bind(f, call)[1], f"a sample of {name_of(f)} varies nothing: {call}"


def test_samples_are_few_and_small():
    for f in FUNCTIONS_WITH_CASES:
        for call in samples(f):
            sizes = [np.size(x) for x in bind(f, call)[1]]
            assert sum(sizes) <= 60, f"a sample of {name_of(f)} varies {sum(sizes)} numbers; keep samples small"


def test_every_rule_is_for_an_input():
    for op in OPS.values():
        assert len(op.rules) in (len(op.inputs), 0), op.name


def test_every_ufunc_of_numpys_is_in_the_table():
    table = {f.__name__ for f in (*UFUNCS, *FUNCTIONS) if isinstance(f, np.ufunc)}
    assert sorted(set(NUMPYS_UFUNCS) - table) == []
