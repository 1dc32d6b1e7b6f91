"""Graft for Python programs: federated transfer learning for recommenders that is safe to switch on.

Each function is what a command calls; docs/python.md shows them. Names are imported when they are first used, so that
``import graft`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graft.entry_points import foreign_package

if TYPE_CHECKING:
    from client.api.call_answers import Health as Health
    from client.api.caller import Caller as Caller
    from client.api.fits import adapt as adapt
    from client.api.fits import assess as assess
    from client.api.fits import evaluate as evaluate
    from client.api.fits import fit as fit
    from client.api.lists import recommend as recommend
    from client.api.platforms import build_platform as build_platform
    from client.api.platforms import read_platform as read_platform
    from client.api.training import pretrain as pretrain
    from client.data.feedback import FeedbackKind as FeedbackKind
    from client.device.opened_device import open_device as open_device
    from client.recommender.catalogue_update import NewItem as NewItem
    from client.serving.requests import Feedback as Feedback
    from client.serving.requests import ListAnswer as ListAnswer
    from client.serving.requests import ListRequest as ListRequest
    from shared.errors import ConfigError as ConfigError
    from shared.errors import DataError as DataError
    from shared.errors import GraftError as GraftError
    from shared.errors import InputError as InputError
    from shared.errors import RequestError as RequestError
    from simulations.api.runs import read_results as read_results
    from simulations.api.runs import simulate as simulate
    from simulations.api.world import write_world as write_world

_MODULES = {
    "client.api.platforms": ("read_platform", "build_platform"),
    "client.api.training": ("pretrain",),
    "client.api.fits": ("adapt", "assess", "fit", "evaluate"),
    "client.api.lists": ("recommend",),
    "client.api.caller": ("Caller",),
    "client.api.call_answers": ("Health",),
    "client.data.feedback": ("FeedbackKind",),
    "client.device.opened_device": ("open_device",),
    "client.serving.requests": ("Feedback", "ListAnswer", "ListRequest"),
    "client.recommender.catalogue_update": ("NewItem",),
    "simulations.api.runs": ("simulate", "read_results"),
    "simulations.api.world": ("write_world",),
    "shared.errors": ("GraftError", "InputError", "ConfigError", "DataError", "RequestError"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A function or an error, imported now.

    Raises AttributeError for another name, ImportError where a package of another project stands in the way.
    """
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'graft' has no attribute {name!r}")
    if foreign := foreign_package():
        raise ImportError(foreign)
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(_MODULE_OF)
