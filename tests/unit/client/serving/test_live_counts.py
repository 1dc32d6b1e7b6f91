"""What is reported moves the lists of everybody at once, and counts once: after a restart, new items, a new head."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from client.data.event_log import FadingCounts
from client.data.feedback import FeedbackKind
from client.data.folder_options import Preparation
from client.ensemble.head import RankingHead
from client.fitting.fit_settings import CompetingMethods, FitSettings
from client.fitting.pretrain import pretrain_folder
from client.fitting.served_fit import fit_recommender
from client.recommender.catalogue_update import NewItem
from client.recommender.served_head import ServedHead, read_served
from client.scorers.age import Age
from client.serving.admission import Unhurried
from client.serving.journal import FileJournal
from client.serving.journal_lines import Entry
from client.serving.reported_events import ReportedEvents
from client.serving.requests import Feedback, ListAnswer, ListRequest
from client.serving.service import RecommendService
from client.store.head_store import HeadStore
from client.training.loop import TrainingSettings
from tests.integration.tiny_folders import BEGIN, write_tiny_folder
from tests.small_space import FEATURES
from tests.unit.client.recommender.served_world import LAST, served_world

NOW = LAST + 3_600
ITEMS = 40
NEW = NewItem(item_id="new", text="nothing like it", category="fresh")
SOMEBODY, NOBODY = ListRequest(user="u5", k=ITEMS), ListRequest(k=ITEMS)
"""One with a history, and one without."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    served_world(timed=True).write(HeadStore(tmp_path / "heads"))
    return tmp_path


def opened(folder: Path) -> RecommendService:
    return RecommendService(HeadStore(folder / "heads"), FileJournal(folder / "reports.log"))


def clicks(item: str, count: int = 1, *, first: int = 0, at: float = NOW, kind: str = "clicked") -> list[Feedback]:
    """By readers who are nobody else."""
    return [
        Feedback(event_id=f"{item}-{number}", user=f"r{number}", item=item, kind=FeedbackKind(kind), time=at)
        for number in range(first, first + count)
    ]


def scores(answer: ListAnswer) -> dict[str, float]:
    return {one.item: one.score for one in answer.items}


def both(service: RecommendService) -> list[dict[str, float]]:
    return [scores(service.recommend(request)) for request in (SOMEBODY, NOBODY)]


def close(first: list[dict[str, float]], second: list[dict[str, float]]) -> bool:
    return all(one == pytest.approx(other, abs=1e-3) for one, other in zip(first, second, strict=True))


def place(answer: ListAnswer, item: str) -> int:
    return [one.item for one in answer.items].index(item)


@pytest.mark.parametrize("kind", ["clicked", "liked", "purchased"])
def test_what_one_user_meets_rises_in_the_lists_of_others_at_once(folder: Path, kind: str) -> None:
    service = opened(folder)
    item = service.recommend(NOBODY).items[-1].item
    before = [service.recommend(one) for one in (SOMEBODY, NOBODY)]
    service.report(clicks(item, 40, kind=kind))
    after = [service.recommend(one) for one in (SOMEBODY, NOBODY)]
    for first, second in zip(before, after, strict=True):
        assert place(second, item) <= place(first, item)
        assert scores(second)[item] > scores(first)[item] + 0.1
    assert place(after[1], item) == 0
    assert [one.basis for one in after] == ["history", "popularity"]


@pytest.mark.parametrize("kind", ["shown", "disliked"])
def test_what_is_shown_or_disliked_is_not_met(folder: Path, kind: str) -> None:
    service = opened(folder)
    before = both(service)
    service.report(clicks("7", 5, kind=kind))
    assert both(service) == before


def test_an_event_that_is_reported_again_counts_once(folder: Path) -> None:
    service = opened(folder)
    service.report(clicks("7", 3))
    before = both(service)
    assert service.report(clicks("7", 3)).repeated == 3
    assert both(service) == before


def test_counts_are_there_after_a_restart(folder: Path) -> None:
    service = opened(folder)
    plain = both(service)
    service.report(clicks("7", 4))
    service.report(clicks("30", 2, at=NOW + 60))
    service.report(clicks("7", 2, first=10, at=NOW - 7_200))
    before = both(service)
    assert not close(before, plain)
    assert close(both(opened(folder)), before)


def test_what_claims_a_time_to_come_is_of_when_it_came_after_a_restart_too(folder: Path) -> None:
    began = time.time()
    clock = iter([began, began - 40 * 86_400, began])
    service = RecommendService(
        HeadStore(folder / "heads"), FileJournal(folder / "reports.log"), clock=lambda: next(clock)
    )
    service.report(clicks("7", 30, at=began + 40 * 86_400))
    service.report(clicks("8", 30, at=began))
    before = both(service)
    assert before[1]["8"] > before[1]["7"] + 0.1
    assert close(both(opened(folder)), before)


def test_counts_outlive_a_change_of_the_catalogue_and_a_restart_after_it(folder: Path) -> None:
    service = opened(folder)
    service.report(clicks("7", 6))
    first = [service.recommend(one) for one in (SOMEBODY, NOBODY)]
    service.upsert([NEW])
    after = [service.recommend(ListRequest(user=user, k=ITEMS + 1)) for user in ("u5", "")]
    for one, other in zip(first, after, strict=True):
        assert place(other, "7") <= place(one, "7") + 1  # the new item may stand before it
    lists = [scores(one) for one in after]
    again = opened(folder)
    assert close([scores(again.recommend(ListRequest(user=user, k=ITEMS + 1))) for user in ("u5", "")], lists)
    uncounted = opened_without_reports(folder)
    assert not close(both(uncounted), both(service))


def test_what_is_reported_while_the_catalogue_changes_counts(folder: Path) -> None:
    service = opened(folder)

    class Meanwhile(Unhurried):
        """Right before the larger catalogue takes the place of the smaller one."""

        def check(self) -> None:
            service.report(clicks("7", 6))

    plain = both(service)
    service.upsert([NEW], Meanwhile())
    live = scores(service.recommend(ListRequest(k=ITEMS + 1)))
    assert live["7"] > plain[1]["7"] + 0.1
    assert live == pytest.approx(scores(opened(folder).recommend(ListRequest(k=ITEMS + 1))), abs=1e-3)


def opened_without_reports(folder: Path) -> RecommendService:
    """A service on the same heads and items, and an empty journal."""
    service = RecommendService(HeadStore(folder / "heads"), FileJournal(folder / "empty.log"))
    service.upsert([NEW])
    return service


def test_counts_outlive_a_new_head_but_for_what_it_was_fitted_on(folder: Path) -> None:
    service = opened(folder)
    service.report(clicks("7", 4))
    before = both(service)
    service.swap()
    assert close(both(service), before)
    service.report(clicks("30", 4))
    more = both(service)
    replace(served_world(timed=True), reports_until=4).write(HeadStore(folder / "heads"))
    service.swap()
    served_world(timed=True).write(HeadStore(folder / "only-30" / "heads"))
    alone = opened(folder / "only-30")
    alone.report(clicks("30", 4))
    assert close(both(service), both(alone))
    assert not close(both(service), more)


def test_reports_do_not_wait_for_a_new_head_that_counts_the_journal_and_count_under_it(folder: Path) -> None:
    reporting: list[Thread] = []

    class Meanwhile(FileJournal):
        """Others report while it is read."""

        def entries(self) -> Iterator[Entry]:
            found = super().entries()
            return (self.reported_before(entry) for entry in found)

        def reported_before(self, entry: Entry) -> Entry:
            if reporting and not reporting[0].ident:
                reporting[0].start()
                reporting[0].join(10)
                assert not reporting[0].is_alive()
            return entry

    service = RecommendService(HeadStore(folder / "heads"), Meanwhile(folder / "reports.log"))
    service.report(clicks("30", 2))
    reporting.append(Thread(target=service.report, args=[clicks("7", 4)], daemon=True))
    service.swap()
    assert reporting[0].ident
    live = both(service)
    assert close(live, both(opened(folder)))
    service.report(clicks("8", 4))
    assert not close(both(service), live)
    assert close(both(service), both(opened(folder)))


def test_an_item_upserted_a_minute_ago_leads_once_it_is_clicked(folder: Path) -> None:
    service = opened(folder)
    service.upsert([NEW])
    everything = ListRequest(k=ITEMS + 1)
    assert place(service.recommend(everything), "new") > 20
    # a click an hour is what all 40 items together had
    service.report(clicks("new", 80))
    assert place(service.recommend(everything), "new") == 0
    assert place(opened(folder).recommend(everything), "new") == 0


def test_an_item_is_as_old_as_its_upsert_says_after_a_restart_too(folder: Path) -> None:
    service, now = opened(folder), time.time()
    service.upsert([replace(NEW, published=now - 60), NewItem(item_id="5", text="another", published=now - 60)])
    service.upsert([replace(NEW, text="more of it")])
    for one in (service, opened(folder)):
        (age,) = [scorer for scorer in one._live.recommender.popularity.scorers if isinstance(scorer, Age)]
        steps = age._steps(np.array([now]))[0]
        assert (steps[ITEMS], steps[5]) == (0, 0)
        assert steps[6] == 13


def test_what_was_clicked_before_the_item_was_there_counts_once_it_is(folder: Path) -> None:
    service = opened(folder)
    before = both(service)
    assert len(service.report(clicks("new", 80)).unknown_events) == 80
    assert both(service) == before
    service.upsert([NEW])
    assert place(service.recommend(ListRequest(k=ITEMS + 1)), "new") == 0


def test_what_is_shown_counts_once_too_where_the_platform_knows_what_was_shown(tmp_path: Path) -> None:
    served_world(timed=True, shown=True).write(HeadStore(tmp_path / "heads"))
    service = opened(tmp_path)
    before = both(service)
    service.report(clicks("7", 80, kind="shown"))
    after = both(service)
    assert all(later["7"] > first["7"] + 0.1 for first, later in zip(before, after, strict=True))
    assert service.report(clicks("7", 80, kind="shown")).repeated == 80
    assert close(both(service), after)
    assert close(both(opened(tmp_path)), after)


def test_what_was_shown_before_the_item_was_there_counts_once_it_is(tmp_path: Path) -> None:
    served_world(timed=True, shown=True).write(HeadStore(tmp_path / "heads"))
    service, everything = opened(tmp_path), ListRequest(k=ITEMS + 1)
    service.report(clicks("new", 40, kind="shown"))
    service = opened(tmp_path)
    service.report(clicks("new", 40, first=40, kind="shown"))
    service.upsert([NEW])
    live = scores(service.recommend(everything))
    assert live == pytest.approx(scores(opened(tmp_path).recommend(everything)), abs=1e-3)
    plain = opened_without_reports(tmp_path)
    assert live["new"] > scores(plain.recommend(everything))["new"] + 0.1


def test_what_was_shown_counts_no_more_once_a_fit_has_taken_it_in(tmp_path: Path) -> None:
    world = served_world(timed=True, shown=True)
    world.write(HeadStore(tmp_path / "heads"))
    service = opened(tmp_path)
    plain = both(service)
    service.report(clicks("7", 80, kind="shown"))
    assert not close(both(service), plain)
    replace(world, reports_until=80).write(HeadStore(tmp_path / "heads"))
    service.swap()
    for one in (service, opened(tmp_path)):
        assert close(both(one), plain)


def test_users_without_a_history_get_what_is_met_lately_not_what_once_was(folder: Path) -> None:
    service = opened(folder)
    service.report([*clicks("7", 30, at=NOW), *clicks("8", 30, at=NOW + 20 * 86_400)])
    answer = service.recommend(NOBODY)
    assert answer.basis == "popularity"
    assert place(answer, "8") == 0
    assert scores(answer)["8"] > scores(answer)["7"] + 0.1
    names = {name for one in answer.items for name, _ in one.scorers}
    assert any(name.startswith("recent@") for name in names)


def test_who_has_no_history_gets_what_is_met_lately_where_histories_are_answered_without_it(tmp_path: Path) -> None:
    plain = served_world(timed=True)
    kept = [row for row, name in enumerate(plain.head.names) if name.startswith("popularity")]
    head = RankingHead(
        names=tuple(plain.head.names[row] for row in kept),
        calibrations=tuple(plain.head.calibrations[row] for row in kept),
        weights=plain.head.weights[kept],
    )
    parts = replace(plain.parts, encoders={}, own=None)
    replace(plain, head=head, computed=("popularity",), parts=parts).write(HeadStore(tmp_path / "heads"))
    service = opened(tmp_path)
    somebody, nobody = both(service)
    service.report(clicks("7", 80))
    assert both(service)[0] == somebody
    assert both(service)[1]["7"] > nobody["7"] + 0.1


# ---- a whole fit


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder ``data``, an encoder, and the heads of a fit."""
    root = tmp_path_factory.mktemp("live")
    write_tiny_folder(root / "data")
    quick = TrainingSettings(epochs=1, tokens=256)
    encoder = root / "encoder.safetensors"
    pretrain_folder(root / "data", encoder, preparation=Preparation(), features=FEATURES, preset="tiny", settings=quick)
    fit(root, root / "heads")
    return root


def fit(root: Path, heads: Path, reports: ReportedEvents | None = None) -> None:
    settings = FitSettings(features=FEATURES, competing_methods=CompetingMethods(own=False), preparation=Preparation())
    fit_recommender(root / "data", root / "encoder.safetensors", HeadStore(heads), settings, reports)


def state(served: ServedHead) -> tuple[float, dict[float, np.ndarray]]:
    """The time of the last event that was counted, and the counts by half-life."""
    latest, *lives = np.asarray(served.statistics["table.recent"]).tolist()
    return latest, {life: np.asarray(served.statistics[f"recent@{life:g}"]) for life in lives}


def test_a_fit_counts_what_it_held_out_too(shop: Path) -> None:
    served = read_served(HeadStore(shop / "heads"))
    latest, counts = state(served)
    events = served.users.sequences
    assert latest == events.clock.max() == BEGIN + len(events.items) - 1
    for half_life, row in counts.items():
        expected = FadingCounts((half_life,), len(served.items.item_ids))
        expected.add(events.clock, events.items)
        assert row == pytest.approx(expected.counts[0], rel=1e-5)
    first = np.asarray(served.statistics["age@first"])
    assert first.dtype == np.float64
    assert first.tolist() == [events.clock[events.items == item].min() for item in range(len(first))]


def test_a_report_counts_once_before_the_fit_that_takes_it_in_and_after_it(shop: Path, tmp_path: Path) -> None:
    shutil.copytree(shop / "heads", tmp_path / "heads")
    service = opened(tmp_path)
    plain = scores(service.recommend(NOBODY))
    at = BEGIN + 2_000.0
    readers = [replace(one, user=str(9_000 + number)) for number, one in enumerate(clicks("41", 30, at=at))]
    service.report(readers)  # by ids such as the folder's
    assert scores(service.recommend(NOBODY))["41"] > plain.get("41", -np.inf)
    journal = FileJournal(tmp_path / "reports.log")
    fit(shop, tmp_path / "heads", ReportedEvents(entries=list(journal.entries())))
    served = read_served(HeadStore(tmp_path / "heads"))
    assert served.reports_until == 30
    latest, counts = state(served)
    row = served.items.item_ids.index("41")
    events = served.users.sequences
    assert latest == at
    assert (events.items[events.clock == at] == row).sum() == 30
    for half_life, one in counts.items():
        expected = np.exp2((events.clock[events.items == row] - at) / half_life).sum()
        assert one[row] == pytest.approx(expected, rel=1e-5)
    service.swap()
    swapped = scores(service.recommend(NOBODY))
    fresh = RecommendService(HeadStore(tmp_path / "heads"), FileJournal(tmp_path / "none.log"))
    assert scores(fresh.recommend(NOBODY)) == pytest.approx(swapped, abs=1e-4)
