"""A coordinator submits a bundle with the guard taken out: under Flower's own engine nothing of it runs."""

import hashlib
import json
from pathlib import Path

import pytest
from flwr.cli.build import build_fab_from_disk

from client.guard.approved_bundles import approve, write_programs
from client.rounds.workspace import NodeSettings
from server.rounds.checkpoints import HISTORY_FILE
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, save_encoder
from shared.federation.config import RoundsConfig
from tests.integration.engine import CONNECTION, Engine, running_engine
from tests.integration.engine_world import app_folder, toml, write_platform
from tests.plain_policy import plain_policy
from tests.small_space import FEATURES, SPACE

CONFIG = RoundsConfig(rounds=0, evaluate_every=0, deadline_seconds=60)


def tampered(tmp_path: Path, marker: Path) -> Path:
    """The release, with the guard's check gone, and a line that shows whether any of it ran."""
    app = app_folder(tmp_path / "tampered")
    guard = app / "client" / "guard" / "egress_guard.py"
    text = guard.read_text("utf-8")
    assert "passed = check(content, expected, self.policy, now)" in text
    guard.write_text(text.replace("passed = check(content, expected, self.policy, now)", "return content"), "utf-8")
    module = app / "client" / "app.py"
    module.write_text(module.read_text("utf-8") + f"\nopen({str(marker)!r}, 'a').write('ran')\n", "utf-8")
    return app


def submit(engine: Engine, app: Path, out: Path, start: Path) -> dict[str, object]:
    """Run a bundle through the engine; the moments round as the server recorded it."""
    run_config = {**CONFIG.to_run_config(), "encoder": str(start), "out": str(out)}
    file = out.with_suffix(".toml")
    file.write_text("".join(f"{key} = {toml(value)}\n" for key, value in run_config.items()), "utf-8")
    run = engine.command("run", str(app), CONNECTION, "--run-config", str(file))
    engine.wait_for_run(str(run["run-id"]), seconds=200)
    entry: dict[str, object] = json.loads((out / HISTORY_FILE).read_text("utf-8"))[0]
    return entry


def built(app: Path) -> str:
    """The digest of the bundle that comes of an app folder."""
    return hashlib.sha256(build_fab_from_disk(app)).hexdigest()


@pytest.mark.engine
def test_refuses_a_bundle_without_its_guard_and_names_it(tmp_path) -> None:
    approved, marker, start = tmp_path / "approved.txt", tmp_path / "marker", tmp_path / "start.safetensors"
    programs = write_programs(tmp_path / "programs", approved)
    write_platform(tmp_path / "north", seed=0)
    spec = EncoderSpec(preset="tiny", input_dim=SPACE.dim, feature_space=SPACE)
    save_encoder(start, Encoder.initial(spec, seed=1), EncoderCard())
    honest, other = app_folder(tmp_path / "honest"), tampered(tmp_path, marker)
    with running_engine(tmp_path / "engine") as engine:
        approve(approved, built(honest))
        refused = built(other)
        settings = NodeSettings(
            platform=f"north={tmp_path / 'north'}",
            features=FEATURES,
            heads=str(tmp_path / "heads"),
            policy=plain_policy(tmp_path),
        )
        engine.start_node("north", settings.to_node_config(), programs=programs)

        answered = submit(engine, honest, tmp_path / "honest-out", start)
        assert len(answered["platforms"]) == 1, engine.logs()
        stopped = submit(engine, other, tmp_path / "stopped-out", start)
        assert (stopped["platforms"], len(stopped["failed"])) == ([], 1), engine.logs()
        assert not marker.exists()
        assert f"bundle {refused} is not on this platform's list of approved bundles" in engine.logs()

        approve(approved, refused)
        let_in = submit(engine, other, tmp_path / "let-in-out", start)
        assert len(let_in["platforms"]) == 1, engine.logs()
        assert marker.exists()
