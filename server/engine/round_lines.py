"""A run in words: a line for each question, who is missing and why, how far it is, and which round it leaves."""

from collections.abc import Mapping, Sequence
from typing import Any

from server.coordinator.run_book import EVALUATE, answered, kept_evaluation, rounds_done
from server.engine.absences import TRAIN, absences_in, without_words
from server.rounds.sum_groups import group_words
from shared.federation.messages import BOTH

MIB = 2**20
HEADER = ("question", "platforms", "loss", "NDCG@10", "MiB", "seconds", "note")
MOMENTS = "moments"
History = Sequence[Mapping[str, Any]]


def cells(record: Mapping[str, Any], rounds: int, history: History) -> list[str]:
    """One question under ``HEADER``; losses and NDCG@10 are means over platforms.

    Args:
        record: a line of the run's history.
        rounds: how many training rounds were asked for.
        history: the run's history, with the record in it.

    Returns:
        Seven texts: question, platforms, loss in nats, NDCG@10, MiB both ways together, seconds and note; a text is
        empty where there is nothing to say.
    """
    return [
        question_words(record, history, f" of {rounds}"),
        _usable(record),
        _four_digits(mean_loss(record)),
        _four_digits(mean_quality(record)),
        f"{(record['bytes_down'] + record['bytes_up']) / MIB:.1f}",
        f"{record['seconds']:.0f}",
        "; ".join(filter(None, [record["note"], *_held_back(record)])),
    ]


def _usable(record: Mapping[str, Any]) -> str:
    """How many answers can be used, of how many; of a cohort the record says no names."""
    if counts := record.get("counts"):
        return f"{counts.get('reply', 0)} of {counts['asked']}"
    return f"{len(record['platforms'])} of {len(record['platforms']) + len(absences_in(record))}"


def mean_loss(record: Mapping[str, Any]) -> float | None:
    """The training loss of the phase that trains the encoder, mean over platforms.

    Args:
        record: a line of the run's history.

    Returns:
        Nats; None where the question trains nothing.
    """
    return _mean([training_loss(phases) for phases in record["losses"].values()])


def training_loss(phases: Mapping[str, float]) -> float:
    """One platform's, in nats: of the phase that trains the encoder, else of the first there is."""
    return phases.get("encoder", next(iter(phases.values()), 0.0))


def mean_quality(record: Mapping[str, Any]) -> float | None:
    """NDCG@10 over platforms; None where nobody evaluated."""
    return _mean(_quality(record))


def line(record: Mapping[str, Any], rounds: int, history: History) -> str:
    """One question in one line, for a log.

    Args:
        record: a line of the run's history.
        rounds: how many training rounds were asked for.
        history: the run's history, with the record in it.

    Returns:
        The line: what ``cells`` gives, and who is missing and why.
    """
    question, platforms, loss, quality, size, seconds, note = cells(record, rounds, history)
    parts = [f"{question}: {platforms} platforms answered", f"loss {loss}" * bool(loss)]
    parts += [f"NDCG@10 {quality}" * bool(quality), f"{size} MiB", f"{seconds} s", note]
    return "; ".join([", ".join(filter(None, parts)), *without_words(absences_in(record))])


def progress(history: History, rounds: int, *, is_open: bool = True) -> str:
    """Rounds done of rounds asked, and the time that is left as the rounds so far have it.

    Args:
        history: the run's history so far.
        rounds: how many training rounds were asked for.
        is_open: whether the run goes on.

    Returns:
        The words; without a time before the first round has ended and after the last one, or where the run is over.
    """
    done = rounds_done(history)
    words = f"{done} of {rounds} rounds"
    if not is_open or not done or done >= rounds:
        return words
    seconds = sum(record["seconds"] for record in history if record["round"] > 0) / done * (rounds - done)
    return f"{words}, about {_duration(seconds)} left"


def took_part(history: History) -> bool:
    """Whether any platform sent moments or an update; who evaluates alone changes no encoder."""
    return any(record["platforms"] for record in history if record["kind"] != EVALUATE)


def trained(history: History) -> bool:
    """Whether any platform sent an update."""
    return any(record["platforms"] for record in history if record["kind"] == TRAIN)


def kept_encoder(history: History) -> dict[str, Any]:
    """Which encoder the run leaves: round, score, platforms and words; the score is None where nobody judged it."""
    judged = kept_evaluation(history)
    if judged is None:
        done = rounds_done(history)
        words = _encoder_words(done, moments=took_part(history))
        return {"round": done, "score": None, "platforms": 0, "words": words}
    by_sum = judged.get("groups") or judged.get("counts")
    platforms = answered(judged) if by_sum else len(_quality(judged))
    words = _encoder_words(judged["round"], moments=is_after_moments(judged, history))
    return {"round": judged["round"], "score": mean_quality(judged), "platforms": platforms, "words": words}


def _encoder_words(number: int, *, moments: bool) -> str:
    """Which encoder it is; round 0 is what a run starts with, or what moments made of it."""
    if number:
        return f"after round {number}"
    return "after moments" if moments else "as it was at the start"


def kept_words(history: History) -> str:
    """The same for people; "the encoder" stands before it."""
    summary = kept_encoder(history)
    alone = "" if trained(history) else "; no platform trained in it"
    if summary["score"] is None:
        return f"{summary['words']}, which no platform evaluated{alone}"
    platforms = f"{summary['platforms']} platform{'s' * (summary['platforms'] != 1)}"
    return f"{summary['words']}, NDCG@10 {summary['score']:.4f} on {platforms}{alone}"


def question_words(record: Mapping[str, Any], history: History, of_rounds: str = "") -> str:
    """What was asked, in words; no two questions of a run have the same.

    Args:
        record: a line of the run's history.
        history: the run's history, with the record in it.
        of_rounds: stands after the number of a round.

    Returns:
        The words.
    """
    kind, number = record["kind"], record["round"]
    if kind == EVALUATE and number == 0:
        return f"evaluate {'after moments' if is_after_moments(record, history) else 'the start'}"
    return "moments" if kind == MOMENTS else f"{kind} {number}{of_rounds}"


def is_after_moments(record: Mapping[str, Any], history: History) -> bool:
    """Whether a moments round comes before this question.

    Args:
        record: a line of the run's history.
        history: the run's history, with the record in it.
    """
    first = next((line for line in history if line is record or line["kind"] == MOMENTS), record)
    return first is not record


def _held_back(record: Mapping[str, Any]) -> list[str]:
    """Who was cut or left out, and why."""
    groups, held_back = record.get("groups", {}), record.get("held_back", {})
    named = {name: group_words(name, groups[name]) if name in groups else name for name in held_back}
    return [f"{named[name]} {reason}" for name, reason in held_back.items()]


def _quality(record: Mapping[str, Any]) -> list[float]:
    return [parts[BOTH] for parts in record["validation"].values() if BOTH in parts]


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _four_digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
