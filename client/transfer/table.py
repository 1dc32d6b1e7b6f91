"""Every method, in the order in which reports show them. A new one is a file and a line here."""

from collections.abc import Callable, Collection, Iterable, Mapping

from client.ensemble.baselines import tune_content_knn, tune_ease, tune_item_knn, tune_local_id_alone, tune_popularity
from client.ensemble.cross_fitting import Trained
from client.scorers import content_knn, item_knn
from client.scorers.popularity import Popularity
from client.transfer.feature import FEATURE, FEDERATED, POOLED, PREVIOUS
from client.transfer.knowledge import KNOWLEDGE
from client.transfer.local import LOCAL_METHOD, STACK
from client.transfer.method import MakePart, Method, PlatformParts, Shown
from client.transfer.model import FEDERATED_MODEL, MODEL
from client.transfer.part_settings import PartSettings
from client.transfer.release import ZERO_SHOT_METHOD

Sets = Mapping[str, tuple[tuple[str, ...], ...]]
"""Method to the sets of trained parts that may stand in its stack."""
Make = Callable[[PlatformParts], Trained | None]
"""Makes one part for a platform; None where the platform cannot have it."""

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            name="popularity",
            baseline=tune_popularity,
            columns=Popularity.columns,
            in_beginnings=True,
            clicks=True,
            shown=Shown(curve=("grey", "v")),
        ),
        Method(
            name="content-knn",
            baseline=tune_content_knn,
            columns=content_knn.DEFAULT.columns,
            in_beginnings=True,
            shown=Shown(curve=("ochre", "^")),
        ),
        Method(
            name="item-knn",
            baseline=tune_item_knn,
            columns=item_knn.DEFAULT.columns,
            in_beginnings=True,
            shown=Shown(curve=("pink", "D")),
        ),
        Method(name="ease", baseline=tune_ease),
        Method(name="local-id", baseline=tune_local_id_alone),
        STACK,
        LOCAL_METHOD,
        ZERO_SHOT_METHOD,
        FEATURE,
        MODEL,
        KNOWLEDGE,
        FEDERATED,
        FEDERATED_MODEL,
        POOLED,
        PREVIOUS,
    )
}


def names_of(has: Callable[[Method], bool]) -> tuple[str, ...]:
    """The methods that have something, in the table's order.

    Args:
        has: whether a method has it.

    Returns:
        Their names.
    """
    return tuple(name for name, method in METHODS.items() if has(method))


def in_runs() -> tuple[str, ...]:
    """The methods that a run can be asked for."""
    return names_of(lambda method: method.in_runs)


def local_methods() -> tuple[str, ...]:
    """The methods that use nothing of other platforms: what a source is reported with."""
    return names_of(lambda method: method.origin == "own")


def starting_from_source() -> tuple[str, ...]:
    """The methods of a run that begin with the encoder that its source pretrained, some of them after rounds."""
    return names_of(lambda method: method.origin in ("received", "federated"))


def competing() -> tuple[str, ...]:
    """The methods that may be served instead of ``local``."""
    return names_of(lambda method: method.competes)


def predicting_clicks() -> tuple[str, ...]:
    """The methods that predict clicks."""
    return names_of(lambda method: method.clicks)


def ranked(place: Callable[[Shown], int]) -> tuple[str, ...]:
    """The methods that have a place in a report, the first place first.

    Args:
        place: its place there, from 1; 0: none.

    Returns:
        Their names.
    """
    return tuple(sorted(names_of(lambda method: place(method.shown) > 0), key=lambda name: place(METHODS[name].shown)))


def stack_sets(names: Iterable[str], settings: PartSettings) -> Sets:
    """Of those of these methods that have a stack, in the table's order.

    Args:
        names: of methods.
        settings: say whether sets with the platform's own part are in, and of which kinds a part is made.

    Returns:
        Method to the sets of trained parts that may stand in its stack.
    """
    chosen = set(names)
    return {name: method.sets_under(settings) for name, method in METHODS.items() if name in chosen and method.sets}


def part_makers(sets: Sets, settings: PartSettings) -> dict[str, Make]:
    """How each part is made that these sets hold, in the order of their columns in the ensemble.

    That order is by origin, then as in the table, so that a new method moves no column of another origin.

    Args:
        sets: method to its sets of parts.
        settings: say of which kinds a part is made.

    Returns:
        Part to what makes it.
    """
    held = {part for alternatives in sets.values() for parts in alternatives for part in parts}
    makers: dict[str, Make] = {}
    for method in sorted(METHODS.values(), key=lambda method: method.origin):
        if method.make is not None:
            makers |= {kind + method.part: _of_kind(method.make, kind) for kind in method.kinds(settings)}
    return {part: make for part, make in makers.items() if part in held}


def taught(part: str) -> bool:
    """Whether a part, of whatever kind, holds an encoder that a received one taught."""
    return any(method.form == "taught" and part.endswith(method.part) for method in METHODS.values())


def _of_kind(make: MakePart, kind: str) -> Make:
    return lambda parts: make(parts, kind)


def possible(sets: Sets, trained: Collection[str]) -> Sets:
    """Method to those of its sets of which every part was trained; without the methods that have none.

    Args:
        sets: method to its sets of parts.
        trained: names of the parts that were trained.

    Returns:
        Method to the sets that remain.
    """
    there = {
        method: tuple(parts for parts in alternatives if set(parts) <= set(trained))
        for method, alternatives in sets.items()
    }
    return {method: alternatives for method, alternatives in there.items() if alternatives}
