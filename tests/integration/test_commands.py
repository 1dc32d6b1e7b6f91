"""The commands as an operator meets them: help, bad input and Ctrl-C."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

import client.cli.main
import simulations.cli.main
from simulations.results.result_document import read_result
from tests.integration.commands import ends_within, finished, run, start
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

Ended = Callable[..., tuple[int | str | None, str]]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder ``shop`` that is a platform, one that holds files, and config files."""
    write_tiny_folder(tmp_path / "shop")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    (tmp_path / "broken.toml").write_text("rounds = = 3\n")
    (tmp_path / "unknown.toml").write_text('colour = "red"\n')
    (tmp_path / "typed.toml").write_text('rounds = "three"\n')
    return tmp_path


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ended:
    """Run a console script's ``main`` in this process, which spares its start: exit code and stderr."""

    def call(main: Callable[[], None], *arguments: object) -> tuple[int | str | None, str]:
        monkeypatch.setattr(sys, "argv", ["graft", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code, capsys.readouterr().err

    return call


def test_shows_its_help() -> None:
    done = run("graft-sim", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage" in done.stdout


@pytest.mark.parametrize("main", [simulations.cli.main.main, client.cli.main.main])
def test_ends_help_of_a_command_with_0(ended: Ended, main: Callable[[], None]) -> None:
    assert ended(main, "--help") == (0, "")


def test_ends_bad_input_with_two_in_a_process_of_its_own(tiny: Path) -> None:
    done = run("graft-sim", "run", "--platform", f"shop={tiny / 'none'}", "--out", tiny / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("graft-sim: platform 'shop'")
    assert done.stderr.count("\n") == 1


BAD_RUNS = {
    "an unknown method": ("--methods modle", "methods must be of popularity"),
    "a missing folder, and no source": (
        "--platform shop={0}/none",
        "must be a platform folder; it has no items.parquet",
    ),
    "no source": ("--platform shop={0}/shop", "source must name a platform"),
    "a source in its beginnings": (
        "--source shop --platform shop={0}/shop --cold-start shop",
        "cold-start must be of ",
    ),
    "a platform given twice": ("--source shop --platform shop={0}/shop --platform shop={0}/shop", "given twice"),
    "an unknown platform option": ("--platform shop={0}/shop,colour=red", "unknown option 'colour'"),
    "a config that is not there": ("--config {0}/none.toml", "cannot be read"),
    "a config that is no TOML": ("--config {0}/broken.toml", "is not TOML"),
    "an unknown option in a config": ("--config {0}/unknown.toml", "unknown option 'colour'"),
    "a value of the wrong kind in a config": ("--config {0}/typed.toml", "rounds must be a whole number"),
    "a folder that holds files": ("--out {0}/full", "must be a new or empty folder"),
    "a file where the folder would be": ("--out {0}/broken.toml", "broken.toml is a file"),
    "a run to report that is none": ("report {0}/full", "is not a readable result.json"),
    "runs to compare that are none": ("compare {0}/full {0}/full", "is not a readable result.json"),
    "a run to export that is none": ("export {0}/full --csv {0}/out.csv", "is not a readable result.json"),
    "a plugin that is not there": ("--plugin {0}/none.py", "none.py cannot be read"),
    "a plugin that defines nothing": ("--plugin {0}/typed.toml", "must define SCORERS or AGGREGATIONS"),
    "an aggregation that nobody has": (
        "--aggregation median",
        "aggregation must be one of fedavg, fedavgm, fedadam; got 'median'",
    ),
    "a folder to go on in that holds no run": ("--resume --out {0}/full", "holds files and none that can go on"),
}


@pytest.mark.parametrize("case", BAD_RUNS)
def test_graft_sim_ends_bad_input_with_one_sentence_and_two(ended: Ended, tiny: Path, case: str) -> None:
    options, sentence = BAD_RUNS[case]
    out = ["run", "--out", tiny / "out"] if options.startswith("--") else []
    code, said = ended(simulations.cli.main.main, *out, *options.format(tiny).split())
    check_refused(code, said, "graft-sim: ", sentence)
    assert [each.name for each in (tiny / "full").iterdir()] == ["thesis.txt"]


BAD_FOLDERS = {
    "where nobody is left": ("--min-user-events 999", "nobody is left"),
    "that lacks the vectors asked for": ("--features precomputed", "needs item vectors"),
}


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_graft_sim_ends_after_its_steps_with_one_sentence_on_a_folder(ended: Ended, tiny: Path, case: str) -> None:
    options, sentence = BAD_FOLDERS[case]
    platform = ["--platform", f"shop={tiny}/shop", "--methods", "popularity", "--out", tiny / "out"]
    code, said = ended(simulations.cli.main.main, "run", *platform, *options.split())
    check_refused(code, said.removeprefix("prepare\n"), "graft-sim: ", sentence)


BAD_CLIENT_CALLS = {
    "a source that is not there": ("import movielens {0}/none --out {0}/out", "expected a file or folder"),
    "a folder that holds other things": ("import csv {0}/shop --out {0}/full --force", "full"),
    "a column map without an equals sign": ("import csv {0}/shop --map user --out {0}/out", "user"),
    "a folder to pretrain on that is not there": ("pretrain {0}/none --out {0}/e.safetensors", "none"),
    "an unknown size of encoder": ("pretrain {0}/shop --out {0}/e.safetensors --encoder huge", "huge"),
}


@pytest.mark.parametrize("case", BAD_CLIENT_CALLS)
def test_graft_client_ends_bad_input_with_one_sentence_and_two(ended: Ended, tiny: Path, case: str) -> None:
    arguments, sentence = BAD_CLIENT_CALLS[case]
    code, said = ended(client.cli.main.main, *arguments.format(tiny).split())
    check_refused(code, said, "graft-client: ", sentence)
    assert {each.name for each in tiny.iterdir()} == {"shop", "full", "broken.toml", "unknown.toml", "typed.toml"}


def check_refused(code: int | str | None, said: str, name: str, sentence: str) -> None:
    assert code == 2, said
    assert said.count("\n") == 1, said
    assert said.startswith(name)
    assert sentence in said


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_saves_what_is_ready_and_says_by_what_it_ended(
    tiny: Path, stop: signal.Signals, code: int
) -> None:
    process = start("graft-sim", *long_run(tiny), "--jobs", "2")
    # the first seed is ready when the second one's rounds begin
    wait_for_line(process, "rounds", times=2)
    process.send_signal(stop)
    check_stopped(process, tiny / "out", code)


def test_a_signal_to_every_process_of_a_job_ends_them_all_once_what_is_ready_is_saved(tiny: Path) -> None:
    process = start("graft-sim", *long_run(tiny), "--jobs", "2", own_group=True)
    wait_for_line(process, "rounds", times=2)
    os.killpg(process.pid, signal.SIGTERM)
    check_stopped(process, tiny / "out", 143)
    assert ends_within(process.pid, seconds=20)


def long_run(tiny: Path) -> list[str]:
    folder = tiny / "shop"
    options = ["--source", "shop", "--platform", f"shop={folder},users=0-55", "--rounds", "1", "--seeds", "10000"]
    options += ["--platform", f"branch={folder},users=55-100", "--encoder", "tiny", "--methods", "popularity,federated"]
    options += ["--features", FEATURES]
    return ["run", *options, "--out", str(tiny / "out")]


def check_stopped(process: subprocess.Popen[str], out: Path, code: int) -> None:
    done = finished(process)
    assert done.returncode == code, done.stderr
    assert "stopped; saved" in done.stderr
    assert "--resume goes on" in done.stderr
    assert "Traceback" not in done.stderr
    assert not read_result(out / "result.json")["complete"]
    assert "Not complete" in (out / "report.html").read_text()


def wait_for_line(process: subprocess.Popen[str], line: str, *, times: int) -> None:
    assert process.stderr is not None
    matching = (each for each in process.stderr if each.strip() == line)
    assert len(list(islice(matching, times))) == times
