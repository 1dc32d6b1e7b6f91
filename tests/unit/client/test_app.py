"""The ClientApp: an error's text never leaves the platform, nor does an unforeseen one's reach its log."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from flwr.app import ConfigRecord, Context, Message, RecordDict

from client.app import app, client_app
from client.features.prepared_platform import Catalogue
from client.rounds.workspace import NodeSettings, already_open
from shared.encoder.encoder import Encoder
from shared.federation.messages import Declined, DeclineReason, EvaluateTask, Failed, FailureCode, MomentsTask
from shared.federation.wire import EVALUATE_TYPE, MOMENTS_TYPE, decode_moments_reply, encode_task
from simulations.federation.in_process_grid import task_identity
from tests.federation_world import START, opened
from tests.integration.engine_world import write_platform
from tests.plain_policy import plain_policy
from tests.unit.client.training.world import SPACE

RUN = "0" * 32
TOO_SMALL = Catalogue(features=np.zeros((3, 8), np.float32))
TASK = encode_task(MomentsTask(run=RUN, round=4, nonce=RUN, feature_space=SPACE))


def asked(tmp_path, content=TASK, *, data=None, node_config=None, message_type=MOMENTS_TYPE):
    settings = NodeSettings(platform=f"a={tmp_path}", heads=str(tmp_path / "heads"), policy=plain_policy(tmp_path))
    node = settings.to_node_config() if node_config is None else node_config
    context = Context(run_id=1, node_id=2, node_config=node, state=RecordDict(), run_config={})
    asked_app = app if data is None else client_app(already_open(data))
    with task_identity():
        return asked_app(Message(content, 2, message_type), context).content


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"node_config": {"platform": "a=/nowhere"}}, FailureCode.SETTINGS),
        ({}, FailureCode.DATA),
        ({"data": opened("a", space=replace(SPACE, fingerprint="other"))}, FailureCode.FEATURE_SPACE),
        ({"data": opened("a"), "content": RecordDict({"header": ConfigRecord({"round": 4})})}, FailureCode.PROTOCOL),
        (
            {"data": replace(opened("a"), catalogue=TOO_SMALL)},
            FailureCode.INTERNAL,
        ),
    ],
    ids=["settings", "data", "feature space", "protocol", "internal"],
)
def test_answers_an_error_with_its_code_alone(options, code, tmp_path) -> None:
    content = asked(tmp_path, **options)
    assert decode_moments_reply(content) == Failed(round=4, code=code)


def test_declines_where_preparation_leaves_nobody(tmp_path) -> None:
    write_platform(tmp_path / "tiny", seed=0, users=130)
    node = NodeSettings(
        platform=f"a={tmp_path}/tiny,min-rating=9", heads=str(tmp_path / "heads"), policy=plain_policy(tmp_path)
    )
    content = asked(tmp_path, node_config=node.to_node_config())
    assert decode_moments_reply(content) == Declined(round=4, reason=DeclineReason.TOO_FEW_USERS)


def test_keeps_an_unforeseen_errors_text_out_of_the_log(tmp_path, caplog, monkeypatch) -> None:
    def fail(_task, _workspace):
        raise KeyError("user-3 bought secret text 7")

    monkeypatch.setattr("client.rounds.round_tasks.moments_reply", fail)
    with caplog.at_level(logging.ERROR):
        asked(tmp_path, data=opened("a"))
    assert "KeyError at " in caplog.text
    assert "secret" not in caplog.text


def test_tells_of_an_evaluation_two_digits_per_part(tmp_path) -> None:
    task = EvaluateTask(run=RUN, round=1, nonce=RUN, seed=0, encoder=Encoder(spec=START.spec, flat=START.flat + 0.01))
    content = asked(tmp_path, encode_task(task), data=opened("a"), message_type=EVALUATE_TYPE)
    metrics = dict(content["metrics"])
    assert set(metrics) == {"linear", "sequence", "both"}
    assert all(float(f"{value:.2g}") == value for value in metrics.values())
    assert dict(content["header"])["users"] == 32  # 24 calibration users; 24 lies nearer to 32 on the logarithmic scale
