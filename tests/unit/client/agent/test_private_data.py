"""What an agent sees of its data, and who judges its fit, where its site policy is private."""

from client.agent.data_look import look_at_data
from client.agent.fitting import agents_fitting
from client.agent.home import AgentHome, AgentSettings
from client.data.folder_options import Preparation
from client.features.prepared_platform import open_platform
from client.fitting.fit_settings import FitSettings
from client.fitting.served_fit import open_fit
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, save_encoder
from shared.system.settings_file import to_toml
from tests.integration.engine_world import write_platform
from tests.small_space import FEATURES, SPACE


def test_a_private_platform_is_told_of_options_by_which_users_decide_about_others(tmp_path) -> None:
    write_platform(tmp_path / "shop", seed=0, users=300)
    settings = AgentSettings(server="a:1", name="shop", data=f"{tmp_path / 'shop'},users=0-90")
    found = look_at_data(settings, now=True, private=True)
    assert found is not None
    assert found.why.endswith("found users")
    assert not found.lasting
    assert look_at_data(settings, now=True) is None


def test_the_fit_of_a_private_agent_is_judged_by_the_users_who_give_to_no_release(tmp_path) -> None:
    write_platform(tmp_path / "shop", seed=0, users=200)
    start = Encoder.initial(EncoderSpec(preset="nano", input_dim=SPACE.dim, feature_space=SPACE), seed=1)
    save_encoder(tmp_path / "start.safetensors", start, EncoderCard())
    home = AgentHome(tmp_path / "agent")
    home.folder.mkdir()
    settings = AgentSettings(server="a:1", name="shop", data=str(tmp_path / "shop"), features=FEATURES)
    home.settings.write_bytes(to_toml(settings))
    asked = agents_fitting(home.folder, FitSettings())
    fitted = open_fit(asked.data, tmp_path / "start.safetensors", asked.settings).fit.prepared.platform
    apart = open_platform(tmp_path / "shop", Preparation(), seed=0, features=FEATURES, apart=True).platform
    judges, givers = (
        {one.user_ids[row] for row in rows}
        for one, rows in ((fitted, fitted.calibration_users), (apart, apart.encoder_users))
    )
    assert judges
    assert not judges & givers
