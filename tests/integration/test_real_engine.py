"""The deployed federation is the simulated one: the same apps under Flower's own engine give the same encoder."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from client.features.hashing import hashing_space
from client.workspace import NodeSettings
from server.checkpoints import CHECKPOINT_FILE, HISTORY_FILE
from shared.config import LocalSettings, RoundsConfig
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, save_encoder
from simulations.federation import read_result, run_federation
from tests.integration.engine import CONNECTION, running_engine

ROOT = Path(__file__).parents[2]
CONFIG = RoundsConfig(
    rounds=2,
    strategy="fedavgm",
    min_platforms=2,
    evaluate_every=2,
    require_all=True,
    wait_seconds=240,
    deadline_seconds=240,
    local=LocalSettings(tokens=512),
)


def write_platform(folder: Path, *, seed: int, users: int = 130, items: int = 30) -> None:
    """Users walk around one ring of items, whose texts name their neighbours."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    texts = [f"thing {row % 5} of shelf {row // 5} in shop {seed}" for row in range(items)]
    pl.DataFrame({"item_id": range(items), "text": texts}).write_parquet(folder / "items.parquet")
    starts, lengths = rng.integers(0, items, users), rng.integers(4, 9, users)
    user = np.repeat(np.arange(users), lengths)
    step = np.concatenate([np.arange(length) for length in lengths])
    events = {"user_id": user, "item_id": (starts[user] + step) % items, "timestamp": 1_700_000_000 + step * 60}
    pl.DataFrame(events).write_parquet(folder / "events.parquet")


def app_folder(tmp_path: Path) -> Path:
    """What a bundle is made from, in a folder whose name Flower takes."""
    folder = tmp_path / "graft"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("server", "client", "shared"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def written(tmp_path: Path) -> tuple[dict[str, str], Encoder]:
    """Two platforms' specifications by name, and the starting encoder; all of it lies in the folder."""
    platforms = {}
    for seed, name in enumerate(("north", "south")):
        write_platform(tmp_path / name, seed=seed)
        platforms[name] = f"{name}={tmp_path / name}"
    space = hashing_space()
    start = Encoder.initial(EncoderSpec(preset="tiny", input_dim=space.dim, feature_space=space), seed=1)
    save_encoder(tmp_path / "start.safetensors", start, EncoderCard())
    return platforms, start


def run_config_file(tmp_path: Path) -> Path:
    """What the runs of this file are told; a run goes on with what stands in the folder."""
    run_config = {
        **CONFIG.to_run_config(),
        "encoder": str(tmp_path / "start.safetensors"),
        "out": str(tmp_path / "out"),
        "resume": True,
    }
    config_file = tmp_path / "run.toml"
    config_file.write_text("".join(f"{key} = {toml(value)}\n" for key, value in run_config.items()), "utf-8")
    return config_file


@pytest.mark.engine
def test_gives_the_same_encoder_under_the_real_engine_as_in_one_process(tmp_path: Path) -> None:
    platforms, start = written(tmp_path)
    simulated = run_federation(
        {name: NodeSettings(platform=line, heads=str(tmp_path / "one" / name)) for name, line in platforms.items()},
        start,
        CONFIG,
        folder=tmp_path / "simulated",
    )

    config_file = run_config_file(tmp_path)
    with running_engine(tmp_path / "engine") as engine:
        for name, line in platforms.items():
            engine.start_node(name, NodeSettings(platform=line, heads=str(tmp_path / "two" / name)).to_node_config())
        run = engine.command("run", str(app_folder(tmp_path)), CONNECTION, "--run-config", str(config_file))
        status = engine.wait_for_run(str(run["run-id"]), seconds=300)
        assert status == "finished:completed", engine.logs()
        deployed = read_result(tmp_path / "out")

    assert [entry["kind"] for entry in deployed.history] == ["moments", "evaluate", "train", "train", "evaluate"]
    assert [len(entry["platforms"]) for entry in deployed.history] == [2] * 5
    assert deployed.encoder.linear().W.any()
    assert np.abs(simulated.encoder.flat - start.flat).max() > 1e-3
    np.testing.assert_allclose(deployed.encoder.flat, simulated.encoder.flat, rtol=0, atol=1e-5)


@pytest.mark.engine
def test_a_killed_server_app_goes_on_and_ends_with_the_bytes_of_an_undisturbed_run(tmp_path: Path) -> None:
    platforms, _start = written(tmp_path)
    config_file, app = run_config_file(tmp_path), app_folder(tmp_path)
    checkpoint, out = tmp_path / "out" / CHECKPOINT_FILE, tmp_path / "out"
    with running_engine(tmp_path / "engine") as engine:
        for name, line in platforms.items():
            engine.start_node(name, NodeSettings(platform=line, heads=str(tmp_path / "heads" / name)).to_node_config())
        engine.command("run", str(app), CONNECTION, "--run-config", str(config_file))
        engine.wait_until(lambda: out.exists() and len(read_history(out)) == 3, seconds=300)
        before = checkpoint.read_bytes()
        engine.kill("flwr-serverapp")
        again = engine.command("run", str(app), CONNECTION, "--run-config", str(config_file))
        assert engine.wait_for_run(str(again["run-id"]), seconds=300) == "finished:completed", engine.logs()
        found = read_result(out)
        assert checkpoint.read_bytes() != before
        shutil.rmtree(out)
        shutil.rmtree(tmp_path / "heads")
        undisturbed = engine.command("run", str(app), CONNECTION, "--run-config", str(config_file))
        assert engine.wait_for_run(str(undisturbed["run-id"]), seconds=300) == "finished:completed", engine.logs()
    assert [entry["kind"] for entry in found.history] == ["moments", "evaluate", "train", "train", "evaluate"]
    assert [len(entry["platforms"]) for entry in found.history] == [2] * 5
    assert found.encoder.flat.tobytes() == read_result(out).encoder.flat.tobytes()


def read_history(out: Path) -> list[object]:
    """The rounds that a run has written so far."""
    path = out / HISTORY_FILE
    entries: list[object] = json.loads(path.read_text("utf-8")) if path.exists() else []
    return entries


def toml(value: bool | float | int | str) -> str:
    """A plain value as TOML."""
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
