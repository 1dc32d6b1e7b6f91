"""What a platform really sends, read at the wire: nothing of what must stay; the same is found without the guard."""

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flwr.cli.build import build_fab_from_disk

from client.agent.home import AgentHome, AgentSettings
from client.data.folder_options import SharedPreparation
from client.guard.approved_bundles import PLACE, approve
from client.rounds.workspace import NodeSettings, open_data
from client.store.head_store import open_heads
from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome
from server.coordinator.run_book import RunBook
from server.engine.flwr_command import FlwrCommand
from shared.encoder.changes import change_grid
from shared.encoder.encoder import EncoderSpec
from shared.encoder.file import load_encoder
from shared.federation.bundle import write_bundle
from shared.federation.config import LocalSettings, RoundsConfig
from shared.federation.moment_cells import MomentGrid
from shared.system.settings_file import read_settings, to_toml
from tests.integration.deployed.deployment import Deployment, deployment
from tests.integration.deployed.kill_trial import asked
from tests.integration.deployed.private_things import PrivateThings, shapes, write_canaries
from tests.integration.deployed.recorder import Recorder, recording

pytestmark = pytest.mark.engine
NAME, ITEMS = "north", 37
CONFIG = RoundsConfig(rounds=1, deadline_seconds=300, wait_seconds=300, local=LocalSettings(tokens=512))
EVERYTHING = {
    "a head",
    "a scorer's statistics",
    "an item's text",
    "a user's id",
    "an item's id",
    "a shape of the catalogue's size",
}
LEAK = '''

def leak(kind, workspace):
    """All that must stay."""
    if kind != "train":
        return {}
    from flwr.app import ConfigRecord
    from shared.federation.wire_records import array_record
    from client.ensemble.cross_fitting import fit_on

    platform, head = workspace.platform, workspace.heads.read("sequence-staged")
    counted = fit_on(workspace.prepared, platform.training_users).statistics
    dense = {name: one if hasattr(one, "ndim") and not hasattr(one, "toarray") else one.toarray()
             for name, one in counted.items()}
    return {
        "head": array_record(**head.arrays),
        "counted": array_record(**dense),
        "names": ConfigRecord({
            "texts": list(platform.texts), "users": list(platform.user_ids), "items": list(platform.item_ids),
        }),
    }
'''
"""put into the platform's app by a coordinator who wants it all"""
WORK, WORK_AND_LEAK = (
    "        reply = work(task, workspace)\n",
    "        reply = work(task, workspace)\n        egress_guard.leak = leak(kind, workspace)\n",
)
ENCODE = "        content = encode_reply(replace(reply, **redacted))\n"
ENCODE_AND_LEAK = ENCODE + "        content.update(getattr(self, 'leak', {}))\n"
CHECK, UNCHECKED = "            passed = check(content, expected, self.policy, now)\n", "            return content\n"


@dataclass(frozen=True)
class Watched:
    """A federation of one platform, whose requests are recorded."""

    made: Deployment
    recorder: Recorder

    def private(self) -> PrivateThings:
        """As the platform's app opens it."""
        node = AgentHome(self.made.agent(NAME)).node_config.read_text("utf-8")
        settings = NodeSettings.from_node_config(tomllib.loads(node))
        shared = SharedPreparation.of(settings)
        platform = open_data(settings.platform, settings.seed, None, settings.features, shared).platform
        return PrivateThings.of(platform, open_heads(Path(settings.heads), settings.vault_key))

    def submit(self, app: Path) -> list[dict]:
        """Run another bundle, which the platform's operator was talked into approving; the history of the run."""
        approve(self.made.agent(NAME) / PLACE, hashlib.sha256(build_fab_from_disk(app)).hexdigest())
        engine = FlwrCommand(ServerHome(self.made.server))
        run = RunBook(self.made.server / "runs").add(CONFIG, (self.made.folder / "start.safetensors").read_bytes())
        run.stands(replace(run.standing(), state="stopped"))  # the coordinator's own keeper leaves it alone
        home = ServerHome(self.made.server)
        number = engine.submit(app, run.run_config(home, Enrolment(home.platforms)))
        self.made.wait_until(
            lambda: not engine.surely_runs(number) and engine.run_status(number).startswith("finished")
        )
        return run.history()


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Iterator[Watched]:
    """The platform reaches the coordinator through the recorder, and takes it for the coordinator."""
    folder = tmp_path_factory.mktemp("wire")
    with deployment(folder, (NAME,)) as made, recording(folder, made.port, made.server / "tls" / "ca.crt") as recorder:
        write_canaries(made.data(NAME), items=ITEMS)
        home = AgentHome(made.agent(NAME))
        settings = read_settings(AgentSettings, home.settings)
        home.settings.write_bytes(to_toml(replace(settings, server=f"localhost:{recorder.port}")))
        home.authority.write_bytes(recorder.authority.read_bytes())
        made.on_server("start", "--background")
        made.on_agent("start", NAME, "--background")
        yield Watched(made, recorder)


def leaking(folder: Path, *, guarded: bool) -> Path:
    """The release with everything private added to each training reply, before or without the guard."""
    app = write_bundle(folder)
    changes = {
        "client/app.py": {WORK: WORK_AND_LEAK},
        "client/guard/egress_guard.py": {ENCODE: ENCODE_AND_LEAK, **({} if guarded else {CHECK: UNCHECKED})},
    }
    for name, parts in changes.items():
        text = (app / name).read_text("utf-8")
        for before, after in parts.items():
            assert before in text
            text = text.replace(before, after)
        (app / name).write_text(text + (LEAK if name == "client/app.py" else ""), "utf-8")
    return app


def bodies(recorder: Recorder) -> bytes:
    """All that was sent since it was last asked."""
    return b"\n".join(sent for _, sent in recorder.taken())


def test_what_a_platform_sends_in_a_run_holds_nothing_that_must_stay(watched) -> None:
    watched.made.on_server("run", *asked(CONFIG))
    sent = bodies(watched.recorder)
    encoder = load_encoder(watched.made.folder / "start.safetensors")[0]
    moments, update = MomentGrid(dim=encoder.spec.input_dim).layout, change_grid(encoder.spec).layout
    assert {(moments.size,), (update.size,)} <= set(shapes(sent))
    for kind in (b"moments-reply", b"train-reply", b"evaluate-reply"):
        assert kind in sent
    assert len(sent) > 4 * moments.size + 2 * update.size
    private = watched.private()
    learnt_and_whose = 4  # v, a, b, and the items to which their rows belong
    assert (len(private.users), len(private.items), len(private.heads)) == (130, ITEMS, learnt_and_whose)
    assert private.found_in(sent) == set()


def test_what_a_bundle_would_add_is_stopped_by_the_guard(watched, tmp_path) -> None:
    history = watched.submit(leaking(tmp_path, guarded=True))
    assert [entry["failed"] for entry in history if entry["kind"] == "train"] == [{NAME: "refused"}]
    sent = bodies(watched.recorder)
    assert b"moments-reply" in sent
    assert watched.private().found_in(sent) == set()


def test_the_same_is_found_at_the_wire_where_the_guard_is_taken_out(watched, tmp_path) -> None:
    watched.submit(leaking(tmp_path, guarded=False))
    assert watched.private().found_in(bodies(watched.recorder)) == EVERYTHING


def test_the_spec_has_no_side_of_the_catalogues_size(watched) -> None:
    """Else the scan for shapes could find an innocent one."""
    spec: EncoderSpec = load_encoder(watched.made.folder / "start.safetensors")[0].spec
    assert ITEMS not in {side for one in spec.layout().arrays for side in one.shape}
