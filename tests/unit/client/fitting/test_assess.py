import json

import pytest

from client.cli.main import app, run
from client.data.folder_options import Preparation
from client.fitting.pretrain import pretrain_folder
from client.training.loop import TrainingSettings
from shared.encoder.file import load_encoder, save_encoder
from simulations.synthetic.config import PlatformPlan, WorldConfig
from simulations.synthetic.folders import write_folders
from simulations.synthetic.world import build_world

PLANS = (
    PlatformPlan(name="shop", domain="shops", users=600, first_item=0, items=300, mean_events=8),
    PlatformPlan(name="sister", domain="shops", users=300, first_item=0, items=300, mean_events=6),
    PlatformPlan(name="films", domain="films", users=300, first_item=0, items=300, mean_events=6),
    PlatformPlan(name="kiosk", domain="shops", users=8, first_item=0, items=300, mean_events=6),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Folders by name, and the encoder that ``shop`` pretrained."""
    root = tmp_path_factory.mktemp("world")
    folders = write_folders(build_world(WorldConfig(plans=PLANS), 0), root)
    encoder = root / "shop.safetensors"
    settings = TrainingSettings(epochs=3, tokens=1024)
    pretrain_folder(folders["shop"], encoder, preparation=Preparation(), preset="tiny", settings=settings)
    return folders, encoder


def assess(capsys, *arguments: str) -> dict:
    app(["assess", *arguments, "--json"], standalone_mode=False)
    return json.loads(capsys.readouterr().out)


def refused(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        run(lambda: app(["assess", *arguments], standalone_mode=False))
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_expects_more_of_an_encoder_of_the_same_domain_than_of_an_unrelated_one(world, capsys):
    folders, encoder = world
    near = assess(capsys, str(folders["sister"]), "--encoder", str(encoder))
    far = assess(capsys, str(folders["films"]), "--encoder", str(encoder))
    assert near["lift"]["mean"] > far["lift"]["mean"]
    assert near["transferability"]["lift"] > far["transferability"]["lift"]
    assert far["answer"] != "yes"


def test_looks_at_as_many_users_as_the_options_of_the_platform_say(world, capsys):
    folders, encoder = world
    assert assess(capsys, f"{folders['sister']},max-users=60", "--encoder", str(encoder))["users"] == 60


def test_refuses_an_encoder_of_another_feature_space_and_names_both(world, tmp_path, capsys):
    folders, file = world
    encoder, card = load_encoder(file)
    space = encoder.spec.feature_space
    other = type(space)(name="precomputed", parameters=(), dim=space.dim, fingerprint="f" * 64)
    spec = type(encoder.spec)(preset=encoder.spec.preset, input_dim=encoder.spec.input_dim, feature_space=other)
    save_encoder(tmp_path / "other.safetensors", type(encoder)(spec=spec, flat=encoder.flat), card)
    error = refused(capsys, str(folders["sister"]), "--encoder", str(tmp_path / "other.safetensors"))
    assert "precomputed" in error
    assert "hashing" in error


@pytest.mark.parametrize(
    ("line", "words"),
    [("nothing-here", "nothing-here"), ("{kiosk}", "20 users"), ("{sister},colour=red", "unknown option 'colour'")],
)
def test_ends_bad_input_with_one_sentence(world, capsys, line, words):
    folders, encoder = world
    assert words in refused(capsys, line.format(**folders), "--encoder", str(encoder))


def test_refuses_a_file_that_is_no_encoder(world, tmp_path, capsys):
    (tmp_path / "e").write_text("no encoder")
    assert "safetensors" in refused(capsys, str(world[0]["sister"]), "--encoder", str(tmp_path / "e"))


def test_names_what_fit_then_serves(world, tmp_path, capsys):
    folders, encoder = world
    for name in ("sister", "films"):
        arguments = (str(folders[name]), "--encoder", str(encoder), "--no-own", "--methods", "feature,model")
        told = assess(capsys, *arguments)
        app(["fit", *arguments, "--heads", str(tmp_path / name), "--json"], standalone_mode=False)
        verdict = json.loads(capsys.readouterr().out)
        assert (told["served"], told["served_reason"]) == (verdict["served"], verdict["reason"])
        assert told["answer"] != "yes" or told["served"] != "local"


def test_takes_a_platform_that_helped_to_train_the_encoder(world, capsys):
    folders, encoder = world
    told = assess(capsys, str(folders["shop"]), "--encoder", str(encoder), "--no-own", "--took-part")
    assert told["served"] in ("local", "federated")


def test_lets_what_is_served_until_now_compete_as_fit_does(world, tmp_path, capsys):
    folders, file = world
    encoder, card = load_encoder(file)
    other = type(encoder)(spec=encoder.spec, flat=encoder.flat * 0.5)
    save_encoder(tmp_path / "other.safetensors", other, card)
    heads, platform = ("--heads", str(tmp_path / "heads"), "--no-own"), str(folders["sister"])
    app(["fit", platform, "--encoder", str(file), *heads], standalone_mode=False)
    capsys.readouterr()
    told = assess(capsys, platform, "--encoder", str(tmp_path / "other.safetensors"), *heads)
    app(["fit", platform, "--encoder", str(tmp_path / "other.safetensors"), *heads, "--json"], standalone_mode=False)
    verdict = json.loads(capsys.readouterr().out)
    assert "previous" in verdict["candidates"]
    assert (told["served"], told["served_reason"]) == (verdict["served"], verdict["reason"])
