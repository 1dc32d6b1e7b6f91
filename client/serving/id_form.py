"""Ids of callers in the form of the platform's: where its ids are whole numbers, `7.0` is 7, as a fit reads it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from client.data.ids import are_whole_numbers, whole_number
from client.recommender.catalogue_update import NewItem
from client.recommender.recommender import Recommender
from client.recommender.served_head import ServedHead
from client.recommender.stored_texts import StoredIds
from client.serving.requests import Feedback, ListRequest


@dataclass(frozen=True, kw_only=True)
class IdForm:
    """How a platform writes its ids."""

    whole_users: bool
    """whether all users' ids are whole numbers"""
    whole_items: bool

    @classmethod
    def of(cls, served: ServedHead | Recommender) -> "IdForm":
        """As the users and items that were fitted on have it."""
        return cls(whole_users=_whole(served.users.user_ids), whole_items=_whole(served.items.item_ids))

    def user(self, user: str) -> str:
        """A user's id in this form."""
        return whole_number(user) if self.whole_users else user

    def item(self, item: str) -> str:
        """An item's id in this form."""
        return whole_number(item) if self.whole_items else item

    def request(self, request: ListRequest) -> ListRequest:
        """The same request, its ids in this form; a basket holds each item once."""
        session, exclude = (tuple(map(self.item, items)) for items in (request.session, request.exclude))
        if request.basket:
            session = tuple(dict.fromkeys(session))
        return replace(request, user=self.user(request.user), session=session, exclude=exclude)

    def event(self, event: Feedback) -> Feedback:
        """The same event, its ids in this form."""
        return replace(event, user=self.user(event.user), item=self.item(event.item))

    def new_item(self, item: NewItem) -> NewItem:
        """The same item, its id in this form."""
        return replace(item, item_id=self.item(item.item_id))


def _whole(ids: Sequence[str]) -> bool:
    return ids.whole_numbers if isinstance(ids, StoredIds) else are_whole_numbers(ids)
