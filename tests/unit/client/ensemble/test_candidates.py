import numpy as np

from client.ensemble.candidates import Candidate, choose_all, in_the_race

USERS = 400


def fitted(*parts: str) -> Candidate:
    return Candidate(name="fitted(1):" + "+".join(["computed", *parts]), weights=np.zeros(1), parts=parts)


OPTIONS = {
    "local": (fitted(), fitted("own")),
    "feature": (fitted("received"), fitted("received", "own")),
}


def chosen_for(own: float, received_own: float, users: int = USERS) -> dict[str, tuple[str, ...]]:
    """What is chosen where each stack is better by so much than the computed one, in standard errors."""
    noise = np.random.default_rng(0).normal(size=users)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    plain = np.full(users, 0.2)
    validation = {
        fitted().name: plain,
        fitted("own").name: plain + (noise + own / np.sqrt(users)) / 100,
        fitted("received").name: plain,
        fitted("received", "own").name: plain + (noise + received_own / np.sqrt(users)) / 100,
    }
    return {method: candidate.parts for method, candidate in choose_all(OPTIONS, validation).items()}


def test_takes_the_own_part_where_it_is_better_by_more_than_a_standard_error():
    assert chosen_for(own=2.0, received_own=2.0) == {"local": ("own",), "feature": ("received", "own")}


def test_few_users_must_be_better_by_two_standard_errors():
    for errors, parts in ((1.5, ()), (2.5, ("own",))):
        assert chosen_for(own=errors, received_own=errors, users=50)["local"] == parts


def test_leaves_the_own_part_out_where_it_is_better_by_less():
    assert chosen_for(own=0.5, received_own=0.5) == {"local": (), "feature": ("received",)}


def test_keeps_the_own_part_in_a_transfer_method_where_local_has_it():
    assert chosen_for(own=2.0, received_own=0.5)["feature"] == ("received", "own")


def test_drops_the_own_part_from_a_transfer_method_that_is_better_without_beyond_noise():
    assert chosen_for(own=2.0, received_own=-2.0)["feature"] == ("received",)


def test_takes_the_weights_of_zero_shot_where_they_are_better_than_the_plain_stack():
    zero_shot = Candidate(name="zero-shot:received", weights=np.ones(1), parts=("received",))
    options = {"local": (fitted(),), "feature": (fitted("received"), zero_shot)}
    computed = np.full(USERS, 0.2)

    def choice(lift: float) -> str:
        found = {fitted().name: computed, fitted("received").name: computed, zero_shot.name: computed + lift}
        return choose_all(options, found)["feature"].name

    assert choice(0.01) == zero_shot.name
    assert choice(-0.01) == fitted("received").name


def test_the_weights_of_zero_shot_do_not_push_out_the_own_part_that_local_has():
    zero_shot = Candidate(name="zero-shot:received", weights=np.ones(1), parts=("received",))
    options = {**OPTIONS, "feature": (*OPTIONS["feature"], zero_shot)}
    noise = np.random.default_rng(0).normal(size=USERS) / 100
    better = np.full(USERS, 0.25)
    found = {
        fitted().name: np.full(USERS, 0.2),
        fitted("own").name: better,
        fitted("received").name: np.full(USERS, 0.2),
        fitted("received", "own").name: better,
        zero_shot.name: better + noise - noise.mean() + 0.0001,
    }
    assert choose_all(options, found)["feature"].parts == ("received", "own")


def toward(*parts: str) -> Candidate:
    return Candidate(name="toward-zero-shot:" + "+".join(["computed", *parts]), weights=np.ones(1), parts=parts)


def test_takes_the_weights_shrunk_to_zero_shot_where_they_are_the_better_plain_ones():
    options = {"local": (fitted(),), "feature": (fitted("received"), toward("received"))}
    computed = np.full(USERS, 0.2)

    def choice(lift: float) -> str:
        found = {fitted().name: computed, fitted("received").name: computed, toward("received").name: computed + lift}
        return choose_all(options, found)["feature"].name

    assert choice(0.01) == toward("received").name
    assert choice(-0.01) == fitted("received").name


def test_of_weights_shrunk_to_zero_shot_only_those_with_the_own_part_are_plain_where_local_has_it():
    options = {**OPTIONS, "feature": (*OPTIONS["feature"], toward("received"), toward("received", "own"))}
    noise = np.random.default_rng(0).normal(size=USERS) / 100
    found = {
        fitted().name: np.full(USERS, 0.2),
        fitted("own").name: np.full(USERS, 0.25),
        fitted("received").name: np.full(USERS, 0.2),
        fitted("received", "own").name: np.full(USERS, 0.25),
        toward("received").name: np.full(USERS, 0.252) + noise - noise.mean(),
        toward("received", "own").name: np.full(USERS, 0.2519),
    }
    assert choose_all(options, found)["feature"].name == toward("received", "own").name


def test_a_candidate_that_is_far_behind_the_best_of_its_method_is_out_of_the_race():
    noise = np.random.default_rng(1).normal(size=(4, USERS)) / 100
    names = ("fitted(0.1):computed", "alone:knn@1", "alone:knn@0", "zero-shot:received")
    best, near, far, zero_shot = (Candidate(name=name, weights=np.zeros(1)) for name in names)
    validation = {name: mean + row for name, mean, row in zip(names, (0.20, 0.16, 0.15, 0.15), noise, strict=True)}
    validation[fitted().name] = np.full(USERS, 0.1)
    options = {"local": (best, near, far, fitted()), "feature": (best, zero_shot)}
    in_it = {best.name, near.name, zero_shot.name, fitted().name}
    assert in_the_race(options, validation) == in_it  # the best of a scorer alone, and what a choice compares with
    assert in_the_race({**options, "stack": (far,)}, validation) == {*in_it, far.name}
