"""``graft-sim devices`` as it is typed: a folder's users become devices."""

import json

import pytest

from shared.encoder.file import load_encoder
from tests.integration.commands import run
from tests.integration.tiny_folders import N_USERS, write_tiny_folder
from tests.small_space import FEATURES

FLAGS = ["--preset", "tiny", "--features", FEATURES, "--rounds", "4", "--cohort", "40", "--judge-every", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_folder(tmp_path_factory.mktemp("platform") / "shop")


@pytest.fixture(scope="module")
def run_folder(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    done = run("graft-sim", "devices", f"{folder}", "--out", f"{out}", *FLAGS)
    assert done.returncode == 0, done.stderr
    return out


def test_leaves_figures_an_encoder_and_a_picture(run_folder):
    document = json.loads((run_folder / "devices.json").read_text("utf-8"))
    assert document["devices"] == N_USERS
    assert [line["rounds"] for line in document["judged"]] == [0, 2, 4]
    assert [entry["counts"]["asked"] for entry in document["rounds"]] == [40] * 4
    assert {way for figures in document["figures"].values() for way in figures["ndcg@10"]} == {
        "encoder",
        "heads",
        "lists",
        "popularity",
    }
    encoder, _card = load_encoder(run_folder / "encoder.safetensors")
    assert encoder.spec.preset == "tiny"
    assert (run_folder / "devices.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_command_gives_the_same_bytes_and_json(run_folder, folder, tmp_path):
    done = run("graft-sim", "devices", f"shop={folder}", "--out", f"{tmp_path / 'out'}", "--json", *FLAGS)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    before = json.loads((run_folder / "devices.json").read_text("utf-8"))
    assert document["figures"] == before["figures"]
    assert (tmp_path / "out/encoder.safetensors").read_bytes() == (run_folder / "encoder.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere must be a platform folder"),
        (["{folder}", "--cohort", "0"], "cohort must be at least 1; got 0"),
        (["{folder}", "--set", "robust=agreement"], "robust must be none"),
        (["{folder}", "--aggregation", "fedavg"], "where aggregation is fedavg, the server's learning rate must be 1"),
        (["{folder}", "--check-ins", "5"], "check-ins must be 0 or at least the cohort, 40; got 5"),
        (["{folder}", "--preset", "wide"], "devices train an encoder of one member; got 'wide'"),
        (["{folder}", "--set", "adapters=lora:4"], "adapters must be none or shared:RANK"),
        (["{folder}", "--trace", "missing.csv"], "missing.csv"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(folder, tmp_path, arguments, words):
    asked = [argument.format(folder=folder) for argument in arguments]
    done = run("graft-sim", "devices", *FLAGS, *asked, "--out", f"{tmp_path / 'out'}")
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_cohort_of_more_than_all_devices_is_refused_before_anything_is_written(folder, tmp_path):
    done = run("graft-sim", "devices", f"{folder}", *FLAGS, "--cohort", "1000", "--out", f"{tmp_path / 'out'}")
    assert done.returncode == 2
    assert f"cohort must be at most the {N_USERS} devices of the platform; got 1,000" in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_files_is_left_as_it_is(run_folder, folder):
    before = {path: path.read_bytes() for path in run_folder.rglob("*") if path.is_file()}
    done = run("graft-sim", "devices", f"{folder}", "--out", f"{run_folder}", *FLAGS)
    assert done.returncode == 2
    assert "out must be a new or empty folder" in done.stderr
    other = run("graft-sim", "devices", f"{folder}", "--out", f"{run_folder}", *FLAGS, "--resume", "--seed", "1")
    assert other.returncode == 2
    assert "resume needs the same run" in other.stderr
    assert {path: path.read_bytes() for path in run_folder.rglob("*") if path.is_file()} == before
