"""The benchmark harness: it must catch a wrong answer, survive a broken contender, and count what is not installed."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from benchmarks import client, compare, protocol, table
from benchmarks.cli import main
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.report import Result, Row
from benchmarks.run import Settings, run
from benchmarks.worker import Server
from benchmarks.workload import Workload, load, names
from benchmarks.workloads import _jit
from wengert import jit  # noqa: F401 - what it adds to the table is there before tests look

QUICK = Settings(rounds=2, batch=0.001, smoke=True)


@dataclass
class Pair:
    left: object
    right: object


EXPECTED = (np.float64(3.0), Pair(np.array([1.0, -2.0]), {"b": np.zeros(2)}))


@pytest.mark.parametrize(
    "answer",
    [
        (3.0, Pair(np.array([1.0, -2.0]), {"b": None})),
        (3.0, {"left": np.array([1.0, -2.0 + 1e-10]), "right": {"b": np.zeros(2)}}),
    ],
)
def test_equal_answers_pass(answer):
    compare.check(answer, EXPECTED)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ((3.0, Pair(np.array([1.0, -2.0 + 1e-8]), {"b": None})), r"answer\[1\]\[left\] is off"),
        ((3.0, Pair(None, {"b": None})), r"answer\[1\]\[left\] is off"),
        ((np.nan, Pair(np.array([1.0, -2.0]), {"b": None})), r"answer\[0\] is off"),
        ((3.0, Pair(np.array([1.0, -2.0], np.float32), {"b": None})), "float32"),
        ((3.0, Pair(np.array([[1.0, -2.0]]), {"b": None})), r"\(1, 2\)"),
        ((3.0, np.array([1.0, -2.0])), "consists of"),
    ],
)
def test_different_answers_are_named(answer, complaint):
    with pytest.raises(compare.MismatchError, match=complaint):
        compare.check(answer, EXPECTED)


def test_single_precision_has_a_tolerance_of_its_own():
    expected = np.array([1.0, -2.0], np.float32)
    compare.check(expected * np.float32(1 + 2e-5), expected)
    with pytest.raises(compare.MismatchError, match="allowed is 1e-04"):
        compare.check(expected * np.float32(1 + 2e-4), expected)


@pytest.mark.parametrize("message", [protocol.Prepared(3, 0.5), protocol.Measure(7), protocol.Failed("why", "where\n")])
def test_messages_survive_the_pipe(message):
    line = protocol.encode(message)
    assert line.count("\n") == 1
    assert protocol.decode(line) == message


def test_a_wrong_contender_fails_instead_of_being_measured():
    workload = Workload("t", 1.0, lambda smoke: 1.0, {"hand": lambda x: lambda: x, "wrong": lambda x: lambda: x + 1})
    reply = Server(workload, "wrong", smoke=False).answer(protocol.Prepare(0.001))
    assert isinstance(reply, protocol.Failed)
    assert "off hand's" in reply.reason


def test_a_raising_contender_fails_with_its_traceback():
    workload = Workload("t", 1.0, lambda smoke: 0, {"hand": lambda x: lambda: x, "broken": lambda x: lambda: 1 / x})
    reply = Server(workload, "broken", smoke=False).answer(protocol.Prepare(0.001))
    assert isinstance(reply, protocol.Failed)
    assert reply.reason == "ZeroDivisionError: division by zero"
    assert "lambda" in reply.traceback


def test_a_dead_worker_is_an_error_that_shows_its_last_words():
    dies = client.start("no_such_workload", "hand", threads=1, smoke=True, timeout=60)
    with dies as worker, pytest.raises(client.WorkerError, match="ended with status 1") as caught:
        worker.prepare(0.001)
    assert "no workload is called 'no_such_workload'" in caught.value.failed.traceback


def test_every_workload_can_be_loaded_and_says_what_it_is():
    assert {"chain", "rnn", "mlp_b1", "mlp_b128", "indexed_reads", "record_fields"} <= set(names())
    for name in names():
        assert load(name).title
        assert load(name).target > 0


def test_a_workload_without_a_measure_is_refused():
    with pytest.raises(ValueError, match="no contender 'hand'"):
        Workload("t", 1.0, lambda smoke: None, {})


@pytest.mark.parametrize("wrong", [{"base": "gone"}, {"bases": {"gone": "hand"}}, {"bases": {"hand": "gone"}}])
def test_a_base_that_does_not_take_part_is_refused(wrong):
    with pytest.raises(ValueError, match="no contender 'gone'"):
        Workload("t", 1.0, lambda smoke: None, {"hand": lambda _: lambda: None}, **wrong)


def test_run_measures_hand_and_lists_what_is_missing():
    result = run("chain", [Contender("torch", "no_such_module_anywhere", "")], QUICK)
    assert result.rows["torch"].status == "not installed"
    assert len(result.rows["hand"].amounts) == QUICK.rounds
    assert result.ratio("hand") is not None
    assert result.ratio("torch") is None
    assert result.met is None


def test_bases_take_part_unasked_and_are_what_ratios_are_to():
    result = run("guard_chain", [CONTENDERS["wengert"]], QUICK)
    assert list(result.rows) == ["hand", "wengert_unguarded", "wengert"]
    assert [result.base_of(name) for name in result.rows] == ["wengert_unguarded"] * 3
    assert result.ratio("wengert_unguarded").median == 1.0
    assert (
        result.ratio("wengert").of_minima == result.rows["wengert"].minimum / result.rows["wengert_unguarded"].minimum
    )
    assert result.bases == {}


@pytest.mark.parametrize("name", ["slice_writes", "slice_writes_forward", "writes_recurrent", "no_autodiff_step"])
def test_wengert_agrees_with_hand_on_writes_and_without_recording(name):
    result = run(name, [CONTENDERS["wengert"]], QUICK)
    assert result.rows["wengert"].status == "measured", result.rows["wengert"].reason


@pytest.mark.parametrize(
    ("program", "inputs"),
    [
        (_jit.CHAIN, _jit.chain_inputs(3)),
        (_jit.CHAIN, _jit.chain_inputs(50, np.float32)),
        (_jit.MLP, _jit.mlp_inputs(2)),
        (_jit.RNN, _jit.rnn_inputs(3, 4)),
        (_jit.LAYER_NORM, _jit.layer_norm_inputs(4, 7)),
        (_jit.CROSS_ENTROPY, _jit.cross_entropy_inputs(4, 7, np.float32)),
    ],
)
def test_programs_for_compilers_agree_with_their_derivatives_by_hand(program, inputs):
    expected = program.by_hand(inputs)()
    compare.check(program.eager(inputs)(), expected)
    compiled = program.compiled(inputs)
    for _ in range(2):
        compare.check(compiled(), expected)


def test_compiled_functions_are_measured_over_jax():
    result = run("jit_chain", [CONTENDERS["compiled"]], replace(QUICK, rounds=1))
    assert (result.judged, result.base) == ("compiled", "jax")
    assert result.rows["compiled"].status == "measured", result.rows["compiled"].reason


@pytest.mark.parametrize("name", ["jit_first_call_rnn", "jit_second_process_mlp"])
def test_first_calls_are_measured_in_fresh_interpreters(name, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    workload = load(name)
    step = workload.contenders["compiled"](workload.inputs(True))
    assert step() > 0.0


def test_command_line_writes_json(tmp_path, capsys):
    file = tmp_path / "run.json"
    assert main(["chain", "--smoke", "--contenders", "hand", "--json", str(file)]) == 0
    (workload,) = json.loads(file.read_text())["workloads"]
    assert workload["ratios"]["hand"] == {"of_minima": 1.0, "median": 1.0}
    assert "chain: sum(tanh(a*b + a) * b)" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["no_such"], ["--contenders", "no_such"], ["--rounds", "0"]])
def test_command_line_refuses_what_it_does_not_know(wrong, capsys):
    with pytest.raises(SystemExit):
        main(wrong)
    assert wrong[-1] in capsys.readouterr().err


def row(name: str, *amounts: float) -> Row:
    return Row(name, "1.0", "measured", 1, 0.001, amounts)


def test_target_is_judged_by_the_median_of_the_rounds_ratios():
    rows = {"hand": row("hand", 1.0, 2.0, 1.0), "wengert": row("wengert", 1.1, 2.2, 9.0)}
    result = Result("w", "t", "s", 1.1, 0.0, rows)
    assert result.ratio("wengert").median == pytest.approx(1.1)
    assert result.met
    assert not Result("w", "t", "s", 1.05, 0.0, rows).met


def test_target_may_be_another_contenders():
    rows = {"hand": row("hand", 1.0), "wengert": row("wengert", 9.0), "compiled": row("compiled", 0.0544)}
    result = Result("w", "t", "s", 0.05, 0.0, rows, judged="compiled")
    assert not result.met
    assert table.result_table(result).splitlines()[-1].strip() == "target for compiled: ≤ 0.05×, missed"
    assert "0.054×" in table.summary_tables([result])


def test_table_is_aligned_and_holds_every_row():
    rows = {"hand": row("hand", 1e-6), "wengert": row("wengert", 2.5e-6), "jax": Row("jax", "", "not installed")}
    lines = table.result_table(Result("w", "t", "s", 3.0, 0.0, rows)).splitlines()
    assert len(lines[2]) == len(lines[3])
    assert lines[3].split() == ["wengert", "1.0", "1.00", "ms", "2.50", "µs", "2.50", "µs", "2.50×", "2.50×", "hand"]
    assert lines[4].split() == ["jax", "not", "installed"]
    assert lines[5].strip() == "target for wengert: ≤ 3×, met"


def test_failures_show_in_both_tables():
    rows = {"hand": row("hand", 1e-6), "wengert": Row("wengert", "1.0", "failed", reason="it broke\nin two lines")}
    result = Result("w", "t", "s", 3.0, 0.0, rows)
    assert table.result_table(result).splitlines()[3].split() == ["wengert", "1.0", "failed:", "it", "broke"]
    assert table.summary_tables([result]).splitlines()[1].split() == ["w", "≤", "3×", "failed"]


GUARDED = Result(
    "g",
    "t",
    "s",
    1.08,
    0.0,
    {
        "hand": row("hand", 1.0),
        "wengert_unguarded": row("wengert_unguarded", 4.0),
        "wengert": row("wengert", 5.0),
        "mygrad_unguarded": row("mygrad_unguarded", 10.0),
        "mygrad": row("mygrad", 17.0),
    },
    base="wengert_unguarded",
    bases={"mygrad": "mygrad_unguarded"},
)


def test_each_contender_is_measured_against_its_own_base():
    ratios = {name: GUARDED.ratio(name).median for name in GUARDED.rows}
    assert ratios == {"hand": 0.25, "wengert_unguarded": 1.0, "wengert": 1.25, "mygrad_unguarded": 2.5, "mygrad": 1.7}
    assert not GUARDED.met
    last = [line.split()[-1] for line in table.result_table(GUARDED).splitlines()[1:7]]
    assert last == ["over", *["wengert_unguarded"] * 4, "mygrad_unguarded"]


def test_summary_has_a_table_for_each_base_and_says_which():
    result = Result("w", "t", "s", 3.0, 0.0, {"hand": row("hand", 1.0), "wengert": row("wengert", 2.0)})
    of_hand, of_guard = table.summary_tables([result, GUARDED, result]).split("\n\n")
    heading, *rows = of_hand.splitlines()
    assert heading.split() == ["median", "ratio", "to", "hand", "target", "wengert"]
    assert [line.split() for line in rows] == [["w", "≤", "3×", "met", "2.00×"]] * 2
    heading, *rows = of_guard.splitlines()
    assert heading.split("  ")[1] == "median ratio to wengert_unguarded (mygrad: to mygrad_unguarded)"
    assert heading.split()[-3:] == ["target", "wengert", "mygrad"]
    assert [line.split() for line in rows] == [["g", "≤", "1.08×", "missed", "1.25×", "1.70×"]]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0.00 ns"),
        (9.999e-9, "s", "10.0 ns"),
        (1.234e-5, "s", "12.3 µs"),
        (0.5, "s", "500 ms"),
        (2e6, "B", "2.00 MB"),
    ],
)
def test_amounts_have_three_digits(value, unit, text):
    assert table.amount(value, unit) == text
