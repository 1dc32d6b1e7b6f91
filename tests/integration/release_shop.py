"""A shop with an agent's folder, and encoders to release: each fit takes a fraction of a second."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from client.agent.home import AgentHome, AgentSettings
from client.agent.new_agent import make_agent
from client.api.releases import update
from client.data.folder_options import Preparation
from client.fitting.pretrain import pretrain_folder
from client.releases.update import UpdateOutcome
from client.training.loop import TrainingSettings
from server.coordinator.certificates import new_authority
from shared.encoder.encoder import Encoder
from shared.encoder.file import load_encoder, save_encoder
from tests.hostile_repository import HostileRepository
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

USERS = 60
"""of the shop: the gate serves a good encoder, and not one of noise"""


@dataclass(frozen=True)
class Encoders:
    """Files, of three kinds."""

    weak: Path
    """the gate serves it where nothing better is there"""
    good: Path
    """the gate serves it, after the weak one too"""
    noise: Path
    """the gate does not serve it"""


def write_encoders(folder: Path) -> Encoders:
    """Pretrained on another shop with the same catalogue."""
    encoders = Encoders(*(folder / f"{name}.safetensors" for name in ("weak", "good", "noise")))
    for file, users, epochs in ((encoders.weak, 400, 1), (encoders.good, 3000, 4)):
        source = write_tiny_folder(folder / f"{users} users", users=users)
        settings = TrainingSettings(epochs=epochs, tokens=1024)
        pretrain_folder(
            source, file, preparation=Preparation(), features=FEATURES, preset="tiny", settings=settings, seed=7
        )
    encoder, card = load_encoder(encoders.good)
    save_encoder(encoders.noise, Encoder.initial(encoder.spec, 5), card)
    return encoders


def make_shop(folder: Path, **settings: object) -> AgentHome:
    """An agent's folder whose platform has no recommender yet."""
    data = write_tiny_folder(folder / "data", users=USERS)
    (folder / "ca.crt").write_bytes(new_authority(datetime.now(UTC)).certificate)
    given = {"server": "localhost:9443", "name": "shop", "data": str(data), "features": FEATURES, **settings}
    return make_agent(folder / "agent", AgentSettings(**given), folder / "ca.crt")  # type: ignore[arg-type]


def release(world: HostileRepository, version: int, file: Path) -> None:
    """Publish an encoder's file."""
    world.publish(version, load_encoder(file)[0], file)


def updated(home: AgentHome, world: HostileRepository, **given: object) -> UpdateOutcome:
    """Update from the world's folder."""
    return updated_from(home, world.folder, **given)


def updated_from(home: AgentHome, folder: Path, **given: object) -> UpdateOutcome:
    """Update from a folder, with no encoder of the platform's own in the fit."""
    options = {"own": False, "sources": (str(folder),), **given}
    return update(home.folder, **options)  # type: ignore[arg-type]
