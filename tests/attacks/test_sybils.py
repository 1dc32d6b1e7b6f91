"""Several names of one sender: together they weigh what their size classes add up to, however many they are."""

from server.aggregation.size_classes import SizeClasses
from tests.attacks.poison import PLATFORMS, flipped, lift, of_moments
from tests.federation_world import config, federate

HONEST = {name: PLATFORMS[name] for name in "abc"}
SYBILS = "def"
ONE_ROUND = config(rounds=0, evaluate_every=0)


def attacked(folder, classes: dict[str, int]):
    """As many Sybils as honest platforms, whose moments all say the opposite."""
    apps = dict.fromkeys(SYBILS, of_moments(flipped, 100.0))
    return federate(folder, PLATFORMS, ONE_ROUND, apps=apps, classes=SizeClasses(classes))


def test_names_of_small_classes_are_left_out_however_many_they_are(tmp_path) -> None:
    classes = dict.fromkeys("abc", 128) | dict.fromkeys(SYBILS, 32)
    found = attacked(tmp_path / "attacked", classes)
    alone = federate(tmp_path / "alone", HONEST, ONE_ROUND, classes=SizeClasses(dict.fromkeys("abc", 128)))
    assert set(found.history[0]["held_back"]) == set(SYBILS)
    assert found.encoder.flat.tobytes() == alone.encoder.flat.tobytes()


def test_who_holds_half_of_the_weight_is_not_held_off(tmp_path) -> None:
    """What no rule can tell: half against half. Whom an operator enrolls, and with how many users, decides."""
    found = attacked(tmp_path / "attacked", {})
    alone = federate(tmp_path / "alone", HONEST, ONE_ROUND)
    assert lift(found.encoder) < 0.5 * lift(alone.encoder)
