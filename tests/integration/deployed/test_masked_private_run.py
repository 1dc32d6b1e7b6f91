"""A masked-private run of real processes: platforms that are too small by themselves, one noise for their sum."""

import json
from collections.abc import Iterator

import pytest

from shared.encoder.file import load_encoder
from shared.federation.config import RoundsConfig
from tests.integration.commands import run
from tests.integration.deployed.deployment import SECONDS, Deployment, deployment
from tests.integration.deployed.kill_trial import NAMES, asked
from tests.integration.deployed.sum_secrets import require_no_secret_outside

pytestmark = pytest.mark.engine
USERS, CLASS = 1_500, 2_048
"""so many that hashed texts pay at this ε for three, and not for one"""
CONFIG = RoundsConfig(
    privacy="masked-private", epsilon=100.0, robust="none", min_platforms=3, wait_seconds=600.0, require_all=True
)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory) -> Iterator[Deployment]:
    """Started, and all platforms online."""
    promise = ("--privacy", "masked-private", "--epsilon", "100")
    with deployment(tmp_path_factory.mktemp("sums"), NAMES, users=USERS, promise=promise) as made:
        for name in NAMES:
            made.on_server("enroll", name, "--public-key", made.agent(name) / "node.key.pub", "--users", CLASS)
        made.on_server("start", "--background")
        for name in NAMES:
            made.on_agent("start", name, "--background")
        made.wait_until(lambda: [one["engine"] for one in made.status()["platforms"]] == ["online"] * len(NAMES))
        yield made


def test_one_noise_serves_three_platforms_and_the_second_run_finds_their_users_spent(deployed) -> None:
    assert "run 1 is completed" in deployed.on_server("run", *asked(CONFIG))
    encoder, card = load_encoder(next((deployed.server / "runs").rglob("encoder.safetensors")))
    assert (encoder.spec.linear, encoder.has_sequence) == ("cross", False)
    assert card.privacy == {"epsilon": 100.0, "delta": CONFIG.delta}
    for name in NAMES:
        told = json.loads(deployed.on_agent("privacy", name, "--json"))
        assert told["spent_epsilon"] == pytest.approx(100.0, rel=1e-3)
        assert not told["pays"]
        released = [entry["released"] for entry in told["ledger"]]
        assert released == ["cross-sum", "evaluation-sum", "opened", "evaluation-sum", "opened"]
    require_no_secret_outside(deployed)

    again = run("graft-server", "run", deployed.server, *asked(CONFIG), seconds=SECONDS)
    assert "no platform took part" in again.stderr
    assert again.stdout.count("its users have spent what they were promised") >= len(NAMES)
