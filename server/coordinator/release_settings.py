"""What the operator sets of releases: how long what is signed holds, and when the gate holds one back."""

from dataclasses import dataclass

from shared.system.options import Checked, option

MOST_DAYS = 3650


@dataclass(frozen=True, kw_only=True)
class ReleaseSettings(Checked):
    """Days from the moment of signing; raises ConfigError where a value makes no sense."""

    release_days: int = option(
        180, least=1, most=MOST_DAYS, flag="", help="Days after which a release may be installed no longer."
    )
    release_root_days: int = option(
        365, least=1, most=MOST_DAYS, flag="", help="Days for which it holds whose keys sign releases."
    )
    release_targets_days: int = option(
        90, least=1, most=MOST_DAYS, flag="", help="Days for which the list of releases holds."
    )
    release_snapshot_days: int = option(
        7, least=1, most=MOST_DAYS, flag="", help="Days for which it holds which list is the newest."
    )
    release_timestamp_days: int = option(
        1,
        least=1,
        most=MOST_DAYS,
        flag="",
        help="Days after which a platform asks for a fresh word, so that nobody can keep it on an old release.",
    )
    release_tolerated_declined: float = option(
        0.34,
        least=0,
        most=1,
        flag="",
        help="Share of the platforms asked for a verdict that may decline: beyond it, a release is held.",
    )
    release_tolerated_loss: float = option(
        0.1,
        least=0,
        most=1,
        flag="",
        help="Share of NDCG@10 that a platform may lose against the encoder before: where "
        "one loses more, a release is held.",
    )
