"""On a site whose items come and fade, one that was upserted a minute ago leads the lists once some have clicked it."""

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from client.data.feedback import FeedbackKind
from client.data.folder_options import Preparation
from client.fitting.fit_settings import CompetingMethods, FitSettings
from client.fitting.pretrain import pretrain_folder
from client.fitting.served_fit import fit_recommender
from client.recommender.catalogue_update import NewItem
from client.serving.journal import FileJournal
from client.serving.requests import Feedback, ListRequest
from client.serving.service import RecommendService
from client.store.head_store import HeadStore
from client.training.loop import TrainingSettings
from tests.small_space import FEATURES

N_ITEMS, N_USERS, LENGTH = 120, 300, 6
HOUR = 3_600.0
SPAN, FADES = 8 * 24 * HOUR, 6 * HOUR
"""Seconds from the first event to the last, and after which an item is met e times less."""
MINUTE = 60.0
NEW = NewItem(item_id="9000", text="subject3 breaking")
SOME = 8
"""Clicks: an hour has 9 on all items together."""
LISTS = (ListRequest(k=10), ListRequest(user="7", k=10), ListRequest(user="visitor", session=("100",), k=10))


def write_news(folder: Path, now: float) -> Path:
    """Items come at even steps until ``now``; readers meet what came lately, whatever it is about."""
    rng = np.random.default_rng(5)
    times = np.sort(rng.uniform(0, SPAN, (N_USERS, LENGTH)), axis=1).reshape(-1)
    came = (times - rng.exponential(FADES, len(times))).clip(0)
    rows = (came / SPAN * N_ITEMS).astype(int)
    folder.mkdir()
    texts = [f"subject{item % 7} item{item}" for item in range(N_ITEMS)]
    pl.DataFrame({"item_id": np.arange(N_ITEMS), "text": texts}).write_parquet(folder / "items.parquet")
    users = np.repeat(np.arange(N_USERS), LENGTH)
    events = pl.DataFrame({"user_id": users, "item_id": rows, "timestamp": now - SPAN + times})
    events.write_parquet(folder / "events.parquet")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder ``heads`` with the fit of a site whose last event was a minute ago."""
    data, encoder = write_news(tmp_path / "data", time.time() - MINUTE), tmp_path / "encoder.safetensors"
    quick = TrainingSettings(epochs=1, tokens=256)
    pretrain_folder(data, encoder, preparation=Preparation(), features=FEATURES, preset="tiny", settings=quick)
    settings = FitSettings(features=FEATURES, competing_methods=CompetingMethods(own=False), preparation=Preparation())
    fit_recommender(data, encoder, HeadStore(tmp_path / "heads"), settings, None)
    return tmp_path


def opened(site: Path) -> RecommendService:
    return RecommendService(HeadStore(site / "heads"), FileJournal(site / "reports.log"))


def click(number: int) -> Feedback:
    """Of now, by a reader who is nobody else."""
    return Feedback(
        event_id=f"c{number}",
        user=f"{8_000 + number}",
        item=NEW.item_id,
        kind=FeedbackKind.CLICKED,
        time=time.time(),
    )


def leading(service: RecommendService) -> list[str]:
    return [service.recommend(one).items[0].item for one in LISTS]


def test_an_item_of_a_minute_ago_leads_the_lists_of_a_fitted_news_site_once_some_click_it(site: Path) -> None:
    service = opened(site)
    service.upsert([NEW])
    assert NEW.item_id not in leading(service)
    service.report([click(number) for number in range(SOME)])
    assert leading(service) == [NEW.item_id] * len(LISTS)
    assert leading(opened(site)) == [NEW.item_id] * len(LISTS)
