"""Devices in folders of their own, with the pack of a small platform, and masked rounds over them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from client.device.home import DeviceHome
from client.device.own_records import OwnEvent
from client.device.taken_packs import new_device
from client.guard.device_policy import DevicePolicy
from client.rounds.workspace import DEVICE, NodeSettings
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.federation.config import LocalSettings, RoundsConfig
from shared.system.settings_file import to_toml
from tests.small_space import SPACE
from tests.unit.client.device.world import write_pack

LOCAL = LocalSettings(encoder_rate=0.05, steps=3, negatives=64, proximal=0.0, clip_norm=1.0)
START = Encoder.initial(EncoderSpec(preset="tiny", input_dim=SPACE.dim, feature_space=SPACE), seed=1)
LEAST = 3
"""K of the devices' policy"""


def write_device(folder: Path, pack: Path, *, seed: int = 0, events: int = 6) -> DeviceHome:
    """A device that knows a few events of its user."""
    taken = new_device(folder, str(pack))
    home = DeviceHome(folder)
    rows = np.random.default_rng(seed).choice(len(taken.item_ids), events, replace=False)
    home.records().write_events(
        [OwnEvent(item=taken.item_ids[row], time=1.7e9 + place, kind="clicked") for place, row in enumerate(rows)]
    )
    return home


def devices(folder: Path, number: int, least: int = LEAST, **options: int) -> dict[str, NodeSettings]:
    """Node configs of devices by name; they sum in cohorts of ``least`` or more."""
    write_pack(folder / "shop.pack")
    (folder / "policy.toml").write_bytes(to_toml(DevicePolicy(least_parties=least)))
    return {f"device-{place:02}": node(folder, f"device-{place:02}", seed=place, **options) for place in range(number)}


def node(folder: Path, name: str, **options: int) -> NodeSettings:
    """The node config of a new device."""
    home = write_device(folder / name, folder / "shop.pack", **options)
    return NodeSettings(
        platform=f"{name}={home.folder}",
        heads=str(home.vault),
        vault_key=str(home.key_source()),
        policy=str(folder / "policy.toml"),
        ledger=str(home.folder / "ledger.jsonl"),
        holder=DEVICE,
    )


def cohorts(privacy: str = "masked", **changes: object) -> RoundsConfig:
    """Rounds over cohorts of devices."""
    usual: Mapping[str, object] = {
        "rounds": 2,
        "cohort": 4,
        "moments": False,
        "evaluate_every": 0,
        "robust": "none",
        "min_platforms": LEAST,
        "least_parties": LEAST,
        "local": LOCAL,
        "privacy": privacy,
    }
    return RoundsConfig(**{**usual, **changes})
