"""Nothing of the table goes untested, and nothing of NumPy's ufuncs goes unmentioned."""

import dis
import sys

import numpy as np

import wengert as wg
from tests.calls import FUNCTIONS_WITH_CASES, bind, kind_of, name_of, samples
from wengert.core.registry import FUNCTIONS, OPS, UFUNCS
from wengert.ops.cases import CASES
from wengert.testing.realmap import RealMap, boxed, random_like

NUMPYS_UFUNCS = {f.__name__: f for f in vars(np).values() if isinstance(f, np.ufunc)}


def run_to_second_order(f, args):
    """Reverse and forward over reverse, by arguments and cotangents: rules have operations of their own."""
    real_map = RealMap(f, args)

    def pulled(xs, weights):
        _, pullback = wg.vjp(real_map.traced, *xs)
        cotangents = pullback(weights)
        return [boxed(g) for g in (cotangents if isinstance(cotangents, tuple) else (cotangents,))]

    weights = random_like(real_map(*args), np.random.default_rng(0))
    values, pullback = wg.vjp(pulled, args, weights)
    pullback(values)
    wg.jvp(pulled, (args, weights), (args, weights))


def only_passes_on(rule):
    """Whether the rule returns one of its parameters: the engine reads that without calling the rule."""
    code = rule.__code__
    return not code.co_names and len(list(dis.get_instructions(code))) <= len(IDENTITY)


IDENTITY = list(dis.get_instructions(lambda g: g))


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


def test_every_rule_is_exercised_by_a_sample():
    executed = set()

    def note(frame, event, argument):
        if event == "call":
            executed.add(frame.f_code)

    sys.setprofile(note)
    try:
        for f in FUNCTIONS_WITH_CASES:
            for call in samples(f):
                run_to_second_order(*bind(f, call))
    finally:
        sys.setprofile(None)
    idle = [
        f"{op.name}: {name}"
        for op in OPS.values()
        for name, rules in (("rule", op.rules), ("jvp", op.jvps or ()), ("joint", (op.joint,)))
        for rule in rules
        if callable(rule) and rule.__code__ not in executed and not only_passes_on(rule)
    ]
    assert idle == []
