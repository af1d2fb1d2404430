"""The benchmark harness: it must catch a wrong answer, survive a broken contender, and count what is not installed."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from benchmarks import client, compare, protocol, table
from benchmarks.cli import main
from benchmarks.contenders import Contender
from benchmarks.report import Result, Row
from benchmarks.run import Settings, run
from benchmarks.worker import Server
from benchmarks.workload import Workload, load, names

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
        assert load(name).target >= 1


def test_a_workload_without_a_measure_is_refused():
    with pytest.raises(ValueError, match="no contender 'hand'"):
        Workload("t", 1.0, lambda smoke: None, {})


def test_run_measures_hand_and_lists_what_is_missing():
    result = run("chain", [Contender("torch", "no_such_module_anywhere", "")], QUICK)
    assert result.rows["torch"].status == "not installed"
    assert len(result.rows["hand"].amounts) == QUICK.rounds
    assert result.ratio("hand") is not None
    assert result.ratio("torch") is None
    assert result.met is None


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


def test_table_is_aligned_and_holds_every_row():
    rows = {"hand": row("hand", 1e-6), "wengert": row("wengert", 2.5e-6), "jax": Row("jax", "", "not installed")}
    lines = table.result_table(Result("w", "t", "s", 3.0, 0.0, rows)).splitlines()
    assert len(lines[2]) == len(lines[3])
    assert lines[3].split() == ["wengert", "1.0", "1.00", "ms", "2.50", "µs", "2.50", "µs", "2.50×", "2.50×"]
    assert lines[4].split() == ["jax", "not", "installed"]
    assert lines[5].strip() == "target for wengert: ≤ 3×, met"


def test_failures_show_in_both_tables():
    rows = {"hand": row("hand", 1e-6), "wengert": Row("wengert", "1.0", "failed", reason="it broke\nin two lines")}
    result = Result("w", "t", "s", 3.0, 0.0, rows)
    assert table.result_table(result).splitlines()[3].split() == ["wengert", "1.0", "failed:", "it", "broke"]
    assert table.summary_table([result]).splitlines()[1].split() == ["w", "≤", "3×", "failed"]


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
