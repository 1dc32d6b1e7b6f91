from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecommendRequest(_message.Message):
    __slots__ = ("user", "session", "k", "categories", "exclude", "diversity", "reasons", "basket", "as_of")
    USER_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    DIVERSITY_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    BASKET_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    user: str
    session: _containers.RepeatedScalarFieldContainer[str]
    k: int
    categories: _containers.RepeatedScalarFieldContainer[str]
    exclude: _containers.RepeatedScalarFieldContainer[str]
    diversity: float
    reasons: bool
    basket: bool
    as_of: float
    def __init__(self, user: _Optional[str] = ..., session: _Optional[_Iterable[str]] = ..., k: _Optional[int] = ..., categories: _Optional[_Iterable[str]] = ..., exclude: _Optional[_Iterable[str]] = ..., diversity: _Optional[float] = ..., reasons: _Optional[bool] = ..., basket: _Optional[bool] = ..., as_of: _Optional[float] = ...) -> None: ...

class RecommendReply(_message.Message):
    __slots__ = ("items", "basis", "unknown_items", "head")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_ITEMS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Item]
    basis: str
    unknown_items: int
    head: str
    def __init__(self, items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ..., basis: _Optional[str] = ..., unknown_items: _Optional[int] = ..., head: _Optional[str] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("item", "title", "score", "scorers", "history")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SCORERS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    item: str
    title: str
    score: float
    scorers: _containers.RepeatedCompositeFieldContainer[Part]
    history: _containers.RepeatedCompositeFieldContainer[Part]
    def __init__(self, item: _Optional[str] = ..., title: _Optional[str] = ..., score: _Optional[float] = ..., scorers: _Optional[_Iterable[_Union[Part, _Mapping]]] = ..., history: _Optional[_Iterable[_Union[Part, _Mapping]]] = ...) -> None: ...

class Part(_message.Message):
    __slots__ = ("name", "adds")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    adds: float
    def __init__(self, name: _Optional[str] = ..., adds: _Optional[float] = ...) -> None: ...

class RecommendBatchRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[RecommendRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[RecommendRequest, _Mapping]]] = ...) -> None: ...

class RecommendBatchReply(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[BatchEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[BatchEntry, _Mapping]]] = ...) -> None: ...

class BatchEntry(_message.Message):
    __slots__ = ("reply", "refusal")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    reply: RecommendReply
    refusal: str
    def __init__(self, reply: _Optional[_Union[RecommendReply, _Mapping]] = ..., refusal: _Optional[str] = ...) -> None: ...

class ReportFeedbackRequest(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Feedback]
    def __init__(self, events: _Optional[_Iterable[_Union[Feedback, _Mapping]]] = ...) -> None: ...

class Feedback(_message.Message):
    __slots__ = ("event_id", "user", "item", "kind", "time")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    user: str
    item: str
    kind: str
    time: float
    def __init__(self, event_id: _Optional[str] = ..., user: _Optional[str] = ..., item: _Optional[str] = ..., kind: _Optional[str] = ..., time: _Optional[float] = ...) -> None: ...

class UpsertItemsRequest(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[NewItem]
    def __init__(self, items: _Optional[_Iterable[_Union[NewItem, _Mapping]]] = ...) -> None: ...

class NewItem(_message.Message):
    __slots__ = ("item", "text", "category", "vector", "published")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    item: str
    text: str
    category: str
    vector: _containers.RepeatedScalarFieldContainer[float]
    published: float
    def __init__(self, item: _Optional[str] = ..., text: _Optional[str] = ..., category: _Optional[str] = ..., vector: _Optional[_Iterable[float]] = ..., published: _Optional[float] = ...) -> None: ...

class ForgetUserRequest(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: str
    def __init__(self, user: _Optional[str] = ...) -> None: ...

class ReportReply(_message.Message):
    __slots__ = ("accepted", "repeated_before", "head", "unknown_events")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REPEATED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_EVENTS_FIELD_NUMBER: _ClassVar[int]
    accepted: int
    repeated_before: int
    head: str
    unknown_events: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, accepted: _Optional[int] = ..., repeated_before: _Optional[int] = ..., head: _Optional[str] = ..., unknown_events: _Optional[_Iterable[str]] = ...) -> None: ...
