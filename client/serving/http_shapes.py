"""What the service takes and answers over HTTP and JSON: shapes, checked by pydantic."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from client.adaptation.intervals import Figure
from client.data.feedback import FeedbackKind
from client.ensemble.scorer_names import readable
from client.recommender.catalogue_update import NewItem
from client.serving.requests import (
    CATEGORIES,
    EXCLUSIONS,
    ID_LENGTH,
    ITEMS_AT_ONCE,
    LIST_LENGTH,
    REPORTS_AT_ONCE,
    REQUESTS_AT_ONCE,
    SESSION_LENGTH,
    TEXT_LENGTH,
    Counts,
    Feedback,
    ListAnswer,
    ListRequest,
    check_present,
    check_published,
    check_time,
    check_user,
)
from shared.errors import InvalidRequest

Value = TypeVar("Value")


def _no_switch(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004 (pydantic takes a ValueError for a refusal)
    return value


def _told(check: Callable[[Value], None]) -> AfterValidator:
    """Raises ValueError, which pydantic tells the caller, where ``check`` raises InvalidRequest."""

    def checked(value: Value) -> Value:
        try:
            check(value)
        except InvalidRequest as error:
            raise ValueError(str(error)) from None
        return value

    return AfterValidator(checked)


_Id = Annotated[str, Field(min_length=1, max_length=ID_LENGTH)]
_Present = Annotated[_Id, _told(partial(check_present, "an id"))]
_Whole = Annotated[int, BeforeValidator(_no_switch)]
_Real = Annotated[float, BeforeValidator(_no_switch)]


_HEAD = "Name of the recommender that answers: another one after each fit that is served."


class Body(BaseModel):
    """What comes; keys that are not named are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class RecommendBody(Body):
    """A list for a user, for a session, for both, or for nobody in particular."""

    user: Annotated[str, _told(check_user)] = Field(
        "", max_length=ID_LENGTH, description="Empty where they are not known."
    )
    session: list[_Id] = Field([], max_length=SESSION_LENGTH, description="Their latest items, oldest first.")
    k: _Whole = Field(10, ge=1, le=LIST_LENGTH, description="How many items.")
    categories: list[str] = Field([], max_length=CATEGORIES, description="Only items of these; empty: all.")
    exclude: list[_Id] = Field([], max_length=EXCLUSIONS, description="Ids of items that are not to be in the list.")
    diversity: _Real = Field(0.0, ge=0, le=1, description="Relevance given up for items that are less alike.")
    reasons: bool = Field(default=False, description="The history's part in each item; takes many times as long.")
    basket: bool = Field(
        default=False, description="The session is a basket: what goes with all of it, and never what it holds."
    )
    as_of: _Real | None = Field(
        None, gt=0, description="Seconds since 1970, past: the list as it was given then; may take as long as a start."
    )

    def request(self) -> ListRequest:
        """As the service takes it."""
        return ListRequest(
            user=self.user,
            session=tuple(self.session),
            k=self.k,
            categories=tuple(self.categories),
            exclude=tuple(self.exclude),
            diversity=self.diversity,
            reasons=self.reasons,
            basket=self.basket,
            as_of=self.as_of,
        )


class Part(BaseModel):
    """What a scorer, or an item of the history, adds to a score."""

    name: str = Field(description="The scorer's key, or the item's id.")
    words: str = Field(description="The same for people: the scorer in words, or the item's title.")
    adds: float = Field(description="To the score, in nats.")


class Item(BaseModel):
    """An item of a list."""

    item: str = Field(description="Its id.")
    title: str = Field(description="Its text.")
    score: float = Field(description="The sum of its scorers' parts, in nats; lists are in its order.")
    scorers: list[Part] = Field(description="What scorers add, the largest first.")
    history: list[Part] = Field(
        description="How far the score would fall without an item of the history, the largest first; empty unless "
        "reasons are asked for."
    )


class RecommendAnswer(BaseModel):
    """A list, never empty."""

    items: list[Item] = Field(description="The best first.")
    basis: str = Field(
        description="history; popularity where nothing is known of the user; basket where it completes one"
    )
    unknown_items: int = Field(description="Items of the session that are not in the catalogue.")
    head: str = Field(description=_HEAD)

    @classmethod
    def of(cls, answer: ListAnswer) -> "RecommendAnswer":
        """The service's answer."""
        items = [
            Item(
                item=listed.item,
                title=listed.title,
                score=listed.score,
                scorers=[Part(name=name, words=readable(name), adds=adds) for name, adds in listed.scorers],
                history=[
                    Part(name=name, words=title, adds=adds)
                    for (name, adds), title in zip(listed.history, listed.history_titles, strict=True)
                ],
            )
            for listed in answer.items
        ]
        return cls(items=items, basis=answer.basis, unknown_items=answer.unknown_items, head=answer.head)


class BatchBody(Body):
    """Several lists."""

    requests: list[RecommendBody] = Field(
        min_length=1, max_length=REQUESTS_AT_ONCE, description="Each as it would be asked alone."
    )


class BatchEntry(BaseModel):
    """One of them, or why there is none."""

    reply: RecommendAnswer | None = Field(default=None, description="The list; left out where there is none.")
    refusal: str | None = Field(default=None, description="Why there is no list; left out where there is one.")


class BatchAnswer(BaseModel):
    """In the order of the requests."""

    entries: list[BatchEntry] = Field(description="One for each request.")


class FeedbackEvent(Body):
    """What a user did with an item."""

    event_id: _Present = Field(description="The caller's own; a second report under it changes nothing.")
    user: _Present = Field(description="The user's id.")
    item: _Present = Field(description="The item's id.")
    kind: FeedbackKind = Field(description="What they did.")
    time: Annotated[_Real, _told(check_time)] | None = Field(
        None, description="Seconds since 1970, of the years 1990 to 2099; left out: now."
    )

    def event(self) -> Feedback:
        """As the service takes it."""
        when = time.time() if self.time is None else self.time
        return Feedback(event_id=self.event_id, user=self.user, item=self.item, kind=self.kind, time=when)


class FeedbackBody(Body):
    """Durable when it is acknowledged."""

    events: list[FeedbackEvent] = Field(
        min_length=1, max_length=REPORTS_AT_ONCE, description="All of them are taken, or none."
    )


class ItemBody(Body):
    """A new item, or the new text of one that is there."""

    item: _Present = Field(description="Its id.")
    text: str = Field(max_length=TEXT_LENGTH, description="What describes it; its title in lists.")
    category: str = Field("", max_length=ID_LENGTH, description="Left out: as it was.")
    vector: list[_Real] = Field([], description="Where the platform's vectors are its own.")
    published: Annotated[_Real, _told(check_published)] | None = Field(
        None, description="When it came out, in seconds since 1970, negative before it. Left out: as it was."
    )

    def new_item(self) -> NewItem:
        """As the service takes it."""
        return NewItem(
            item_id=self.item,
            text=self.text,
            category=self.category,
            vector=tuple(self.vector),
            published=self.published,
        )


class ItemsBody(Body):
    """In the lists when it is acknowledged."""

    items: list[ItemBody] = Field(min_length=1, max_length=ITEMS_AT_ONCE, description="All of them are taken, or none.")


class ForgetBody(Body):
    """A user whose id and events are removed."""

    user: _Id = Field(description="The user's id.")


class ReportAnswer(BaseModel):
    """What became of a report."""

    accepted: int = Field(description="Events taken, items added, or events removed.")
    repeated: int = Field(description="Were known already.")
    head: str = Field(description=_HEAD)
    unknown_events: list[str] = Field(
        [],
        description="Ids of events whose item is not in the catalogue. They are kept, and count from when it is.",
    )

    @classmethod
    def of(cls, counts: Counts) -> "ReportAnswer":
        """The service's answer."""
        return cls(
            accepted=counts.accepted,
            repeated=counts.repeated,
            head=counts.head,
            unknown_events=list(counts.unknown_events),
        )


class HealthAnswer(BaseModel):
    """Whether the service answers."""

    status: str = Field(description="serving; degraded: it serves, and troubles says what fails; not-serving")
    head: str = Field(description=_HEAD)
    since: float = Field(description="Since when this head answers here, in seconds since 1970.")
    troubles: dict[str, str] = Field(description="What fails now, and why; empty where all is well.")


class SatisfactionFigure(BaseModel):
    """A figure over feedback, with its 95 % interval."""

    measure: str = Field(description="click-through, position-corrected, hit-rate, abandonment, dislikes, return-rate")
    slice: str = Field(description="Of which users: all, known to the last fit, or new.")
    value: float = Field(description="The figure.")
    low: float = Field(description="Where its interval begins.")
    high: float = Field(description="Where its interval ends.")
    of: int = Field(description="Lists, items or users that it is a share of.")
    users: int = Field(description="How many stand behind it.")


class SatisfactionAnswer(BaseModel):
    """What users made of their lists in the last four weeks; told anew each minute."""

    figures: list[SatisfactionFigure] = Field(description="What nobody stands behind is left out.")

    @classmethod
    def of(cls, figures: Mapping[tuple[str, str], Figure]) -> "SatisfactionAnswer":
        """The service's figures, by measure and slice."""
        listed = [
            SatisfactionFigure(measure=measure, slice=users, **vars(figure))
            for (measure, users), figure in figures.items()
        ]
        return cls(figures=listed)


class Refusal(BaseModel):
    """Why there is no answer."""

    detail: str = Field(description="One sentence for people.")
