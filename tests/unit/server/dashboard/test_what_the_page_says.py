"""What the page makes of an encoder's card, of answers to a run's tasks, and of a figure by round."""

import json

from server.dashboard.encoder_facts import encoder_facts
from server.dashboard.release_acceptance import accepted_in
from server.dashboard.round_chart import round_chart
from server.engine.round_lines import mean_loss, mean_quality
from shared.system.array_file import array_file, read_array_file
from tests.unit.server.dashboard.coordinator_world import coordinator
from tests.unit.server.engine.world import World, record


def test_a_card_shows_whatever_it_holds_but_no_long_numbers(tmp_path) -> None:
    world = coordinator(tmp_path)
    arrays, texts = read_array_file(world.home.encoder)
    card = {
        "made_by": "a source",
        "rounds": 12,
        "validation": {"ndcg@10": 0.25},
        "item_moments": {"mean": [0.5] * 99, "covariance": [[0.5] * 99] * 99},
        "synthetic": True,
        "licence": None,
        "long": "x" * 1000,
    }
    world.home.encoder.write_bytes(array_file(arrays, {**texts, "card": json.dumps(card)}))
    facts = {fact.name: fact.value for fact in encoder_facts(world.home.encoder)}
    assert (facts["made by"], facts["training rounds since"], facts["validation (NDCG@10)"]) == (
        "a source",
        "12",
        "ndcg@10 0.25",
    )
    assert facts["item moments"] == "mean, covariance"
    assert (facts["synthetic"], facts["licence"], len(facts["long"])) == ("yes", "none", 200)
    assert f"{sum(array.size for array in arrays.values()):,} parameters" in facts["size"]


def test_a_card_that_says_nothing_is_shown_as_not_said(tmp_path) -> None:
    world = coordinator(tmp_path)
    arrays, texts = read_array_file(world.home.encoder)
    world.home.encoder.write_bytes(array_file(arrays, {**texts, "card": "{}"}))
    facts = {fact.name: fact.value for fact in encoder_facts(world.home.encoder)}
    rows = ("made by", "licence", "pretrained on the day (UTC)", "validation (NDCG@10)")
    assert {facts[row] for row in rows} == {"not said"}
    assert (facts["training rounds since"], facts["promise to each user"]) == ("none", "none")


def test_a_card_that_is_no_object_is_shown_as_it_is(tmp_path) -> None:
    world = coordinator(tmp_path)
    arrays, texts = read_array_file(world.home.encoder)
    world.home.encoder.write_bytes(array_file(arrays, {**texts, "card": "[1, 2]", "feature_space": "{"}))
    facts = {fact.name: fact.value for fact in encoder_facts(world.home.encoder)}
    assert (facts[""], facts["feature space"]) == ("1, 2", "{")


def test_who_answers_with_a_code_of_ours_has_accepted_the_release_and_who_does_not_start_has_not(tmp_path) -> None:
    world = World(tmp_path)
    world.run(record("train", 1, ("shop", "films", "news")))
    away = {"failed": {"films": "data", "news": "engine-12"}, "missing": ("books",), "dropped": {"games": "not finite"}}
    runs = [world.run(record("train", 1, ("shop",), declined={"toys": "too-few-users"}, **away))]
    assert accepted_in(runs) == {"shop": 2, "films": 2, "games": 2, "toys": 2}


def test_fewer_than_two_figures_are_no_chart() -> None:
    history = [record("train", 3, ("shop",), losses={"shop": {"encoder": 2.5}}).to_json()]
    assert round_chart("loss", history, mean_loss) is None
    assert round_chart("loss", [], mean_loss) is None


def test_the_start_and_what_moments_made_of_it_have_places_of_their_own_and_one_is_kept() -> None:
    shop = ("shop",)
    judged = [{"validation": {"shop": {"both": score}}, "kept": True} for score in (0.02, 0.07, 0.06)]
    steps = [record("evaluate", 0, shop, **judged[0]), record("moments", 0, shop)]
    steps += [record("evaluate", 0, shop, **judged[1]), record("evaluate", 1, shop, **{**judged[2], "kept": False})]
    chart = round_chart("NDCG@10", [one.to_json() for one in steps], mean_quality)
    assert [dot.words for dot in chart.dots] == ["start: 0.0200", "after moments: 0.0700", "round 1: 0.0600"]
    assert (chart.first, chart.last, [dot.marked for dot in chart.dots]) == ("start", "round 1", [False, True, False])
    first, second, third = (dot.x for dot in chart.dots)
    assert second - first == third - second > 0
