"""A masked run is refused at start where too few platforms are enrolled with a key for secure sums."""

import pytest

from server.engine.followed_run import _require_sum_keys
from shared.errors import ConfigError
from shared.federation.config import LocalSettings, RoundsConfig
from shared.secure_sum.sum_key_line import SumKey
from tests.unit.server.engine.world import World
from tests.unit.shared.secure_sum.test_introduction import introduced

PLAIN = RoundsConfig()
MASKED = RoundsConfig(
    privacy="masked",
    moments=False,
    evaluate_every=0,
    robust="none",
    min_platforms=3,
    local=LocalSettings(clip_norm=1.0),
)


def enroll(world: World, name: str, number: int) -> None:
    one = introduced(name, number)
    world.register.enroll(name, one.node_key, sum_key=SumKey(one.member.key, one.endorsement))


def test_names_who_has_a_key_who_has_none_and_what_to_do(tmp_path) -> None:
    world = World(tmp_path)
    enroll(world, "north", 7)
    enroll(world, "south", 8)
    world.enroll("west")
    said = "needs 3 platforms enrolled with a key for secure sums; found north, south; west: graft-client parties"
    with pytest.raises(ConfigError, match=said):
        _require_sum_keys(world.home, MASKED)
    _require_sum_keys(world.home, PLAIN)
    enroll(world, "east", 9)
    _require_sum_keys(world.home, MASKED)
