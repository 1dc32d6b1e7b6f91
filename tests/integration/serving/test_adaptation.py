"""A shop whose fashion turns while it serves: drift is noticed, and the refitted head is tried on lists, and serves."""

import json

import pytest

from client.adaptation.stages import Stage
from client.data.feedback import FeedbackKind
from client.fitting.adaptation import adapt_recommender
from client.recommender.served_head import CHALLENGER
from client.serving.journal import FileJournal
from client.serving.private_folder import open_private_folder
from client.serving.reported_events import ReportedEvents
from client.serving.requests import Feedback, ListRequest
from client.serving.service import RecommendService
from client.store.head_store import HeadStore
from simulations.run.drift_world import FITTED, SETTINGS, SHIFT, DriftWorld, week
from tests.integration.commands import run


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Folder and heads, fitted before a strong shift, and all that was reported until it has been seen."""
    folder = tmp_path_factory.mktemp("drift")
    world = DriftWorld.draw(1, strength=1.5)
    world.fitted(folder, FITTED)
    service = RecommendService(HeadStore(folder / "heads"), FileJournal(folder / "heads" / "reports.log"))
    met = [*world.between(SHIFT - 2, SHIFT), *world.between(SHIFT, SHIFT + 20)[:1_600]]
    for start in range(0, len(met), 1_000):
        service.report(
            [
                Feedback(
                    event_id=f"e{start + number}",
                    user=event.user,
                    item=event.item,
                    kind=FeedbackKind.CLICKED,
                    time=event.time,
                )
                for number, event in enumerate(met[start : start + 1_000])
            ]
        )
    return folder


def adapted(shop, **asked):
    private = open_private_folder(shop / "heads", "")
    reports = ReportedEvents(entries=private.reported())
    return adapt_recommender(shop / "shop", private.heads, SETTINGS, reports, **asked)


def test_drift_is_noticed_and_the_refitted_head_is_tried_and_serves(shop):
    heads = HeadStore(shop / "heads")
    looked = adapted(shop)
    assert looked.state.stage is Stage.TRIED
    assert looked.state.during < looked.state.before
    assert "drift of" in looked.state.why
    assert heads.stamp(CHALLENGER) is not None
    assert adapted(shop).state == looked.state
    service = RecommendService(heads, FileJournal(shop / "heads" / "reports.log"))
    service.challenge()
    while not service.settle():
        number = sum(service.points.values())
        service.recommend(ListRequest(user=f"visitor{number}", k=10))
        facts = [dict(entry.facts) for entry in FileJournal(shop / "heads" / "reports.log").entries()][-1]
        item = next(item for item, side in zip(facts["items"], facts["sides"], strict=True) if side == "b")
        clicked = Feedback(
            event_id=f"c{number}", user=facts["user"], item=item, kind=FeedbackKind.CLICKED, time=week(SHIFT)
        )
        service.report([clicked])
    service.swap()
    assert heads.stamp(CHALLENGER) is None
    recovered = adapted(shop).state
    assert (recovered.stage, recovered.head) == (Stage.WATCHING, looked.state.refit)  # visitors took what it lists


def test_the_command_says_where_the_platform_stands(shop):
    told = run("graft-client", "adapt", shop / "shop", "--heads", shop / "heads", "--no-own", "--json")
    assert json.loads(told.stdout)["stage"] == Stage.WATCHING
