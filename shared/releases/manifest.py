"""The manifest of a release: what it is, what it comes from, and what platforms made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast, get_args

from shared.encoder.encoder import LINEAR_FORMS, LinearForm
from shared.encoder.presets import PRESETS
from shared.errors import ReleaseRefused
from shared.feature_space import FeatureSpace
from shared.releases.json_fields import JsonFields, json_bytes, parsed_json
from shared.releases.probes import Probes

FORMAT = 1
MOST_BYTES = 2**22
"""of a manifest"""
_CODE, _WHERE = "manifest", "manifest"
Mechanism = Literal["none", "gaussian"]
MECHANISMS = get_args(Mechanism)
_MOST_DIM = 65536
_MOST_ROUNDS = 100_000


@dataclass(frozen=True, kw_only=True)
class RoundSummary:
    """One question of the runs behind an encoder, by counts and means alone: no platform is named."""

    run: int
    """its number in the coordinator's book"""
    question: str
    """``moments``, ``train`` or ``evaluate``"""
    round: int
    """training rounds of the run up to it"""
    platforms: int
    """whose answers were used"""
    declined: int
    level: float | None
    """NDCG@10 on validation events, mean over the platforms that told one; None where none did"""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        counts = {"round": self.round, "platforms": self.platforms, "declined": self.declined}
        return {"run": self.run, "question": self.question, **counts, "level": self.level}

    @classmethod
    def from_json(cls, values: object) -> "RoundSummary":
        """The inverse; raises ReleaseRefused."""
        names = ("run", "question", "round", "platforms", "declined", "level")
        fields = JsonFields(values, names, f"{_WHERE}: round-history", _CODE)
        return cls(
            run=fields.whole("run", 1),
            question=fields.text("question"),
            round=fields.whole("round"),
            platforms=fields.whole("platforms"),
            declined=fields.whole("declined"),
            level=fields.number_or_none("level"),
        )


@dataclass(frozen=True, kw_only=True)
class PrivacyStatement:
    """What was promised to each user whose events are in the encoder, and what ledgers say was spent."""

    mechanism: Mechanism
    epsilon: float | None
    """promised; None without noise"""
    delta: float | None
    spent: float | None
    """ε of the user who has spent most, as the coordinator's ledgers have it; None: they hold nothing"""
    ledgers: int
    """platforms of which the coordinator has a ledger"""

    def to_json(self) -> dict[str, Any]:
        """Plain values; the unit is a user with all that is theirs."""
        promised = {"mechanism": self.mechanism, "unit": "user", "epsilon": self.epsilon, "delta": self.delta}
        return {**promised, "spent": self.spent, "ledgers": self.ledgers}

    @classmethod
    def from_json(cls, values: object) -> "PrivacyStatement":
        """The inverse; raises ReleaseRefused."""
        names = ("mechanism", "unit", "epsilon", "delta", "spent", "ledgers")
        fields = JsonFields(values, names, f"{_WHERE}: privacy", _CODE)
        mechanism, unit = fields.text("mechanism"), fields.text("unit")
        if mechanism not in MECHANISMS or unit != "user":
            raise fields.refused(f"mechanism must be one of {', '.join(MECHANISMS)}, and unit user")
        epsilon, delta = fields.number_or_none("epsilon"), fields.number_or_none("delta")
        if (mechanism == "none") != (epsilon is None) or (epsilon is None) != (delta is None):
            raise fields.refused("a promise must have epsilon and delta, and none must have neither")
        return cls(
            mechanism=cast(Mechanism, mechanism),
            epsilon=epsilon,
            delta=delta,
            spent=fields.number_or_none("spent"),
            ledgers=fields.whole("ledgers"),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Manifest:
    """All that a release says of itself; what it says is signed."""

    version: int
    """from 1; a higher one is newer"""
    parent: int | None
    """the release that was current before it; None for the first"""
    rolls_back_to: int | None
    """the earlier release whose encoder it brings back; None where it brings a new one"""
    created: datetime
    expires: datetime
    digest: str
    """SHA-256 of the encoder's file, 64 hexadecimal digits"""
    size: int
    """of that file, in bytes"""
    feature_space: FeatureSpace
    preset: str
    linear: LinearForm
    layout: str
    """digest of names, shapes and dtypes of the encoder's arrays"""
    item_moments: Mapping[str, Any]
    """mean and covariance of the item tower's vectors, as the encoder's card has them; empty: it has none"""
    probes: Probes
    rounds: tuple[RoundSummary, ...]
    """of the runs that made the encoder, the oldest first"""
    privacy: PrivacyStatement
    accepted: int
    """platforms that judged the encoder and lost no more than is tolerated"""
    declined: int
    """platforms that declined the round it comes from, or lost more"""
    despite: str
    """why it was published although the gate held it; empty where it did not"""
    licence: str
    """empty: not said"""

    def to_bytes(self) -> bytes:
        """As it is written; the same manifest is the same bytes."""
        space = self.feature_space
        return json_bytes(
            {
                "format": FORMAT,
                "version": self.version,
                "parent": self.parent,
                "rolls-back-to": self.rolls_back_to,
                "created": self.created.isoformat(),
                "expires": self.expires.isoformat(),
                "digest": self.digest,
                "size": self.size,
                "feature-space": {
                    "name": space.name,
                    "parameters": [list(pair) for pair in space.parameters],
                    "dim": space.dim,
                    "fingerprint": space.fingerprint,
                },
                "preset": self.preset,
                "linear": self.linear,
                "layout": self.layout,
                "item-moments": dict(self.item_moments),
                "probes": self.probes.to_json(),
                "round-history": [summary.to_json() for summary in self.rounds],
                "privacy": self.privacy.to_json(),
                "accepted": self.accepted,
                "declined": self.declined,
                "despite": self.despite,
                "licence": self.licence,
            }
        )


_NAMES = (
    *("format", "version", "parent", "rolls-back-to", "created", "expires", "digest", "size", "feature-space"),
    *("preset", "linear", "layout", "item-moments", "probes", "round-history", "privacy", "accepted", "declined"),
    *("despite", "licence"),
)


def read_manifest(content: bytes) -> Manifest:
    """The inverse of ``to_bytes``; raises ReleaseRefused for anything else."""
    if len(content) > MOST_BYTES:
        raise ReleaseRefused(f"manifest: expected at most {MOST_BYTES:,} bytes; found {len(content):,}", code=_CODE)
    values = parsed_json(content, _WHERE, _CODE)
    if isinstance(values, dict) and values.get("format") != FORMAT:
        raise ReleaseRefused(f"manifest: expected format {FORMAT}; found {values.get('format')!a:.40}", code=_CODE)
    fields = JsonFields(values, _NAMES, _WHERE, _CODE)
    version = fields.whole("version", 1)
    moments, rounds = fields.any("item-moments"), fields.items("round-history")
    if not isinstance(moments, dict) or len(rounds) > _MOST_ROUNDS:
        raise fields.refused(f"item-moments must be a JSON object, and round-history at most {_MOST_ROUNDS:,} entries")
    preset, linear = fields.text("preset"), fields.text("linear")
    if preset not in PRESETS or linear not in LINEAR_FORMS:
        raise fields.refused(f"expected a preset of {', '.join(PRESETS)}; found {preset!a} with the form {linear!a}")
    return Manifest(
        version=version,
        parent=_earlier(fields, "parent", version),
        rolls_back_to=_earlier(fields, "rolls-back-to", version),
        created=fields.moment("created"),
        expires=fields.moment("expires"),
        digest=fields.digest("digest"),
        size=fields.whole("size", 1),
        feature_space=_space(fields.any("feature-space")),
        preset=preset,
        linear=cast(LinearForm, linear),
        layout=fields.digest("layout"),
        item_moments=moments,
        probes=Probes.from_json(fields.any("probes")),
        rounds=tuple(RoundSummary.from_json(summary) for summary in rounds),
        privacy=PrivacyStatement.from_json(fields.any("privacy")),
        accepted=fields.whole("accepted"),
        declined=fields.whole("declined"),
        despite=fields.text("despite"),
        licence=fields.text("licence"),
    )


def _earlier(fields: JsonFields, name: str, version: int) -> int | None:
    earlier = fields.whole_or_none(name, 1)
    if earlier is not None and earlier >= version:
        raise fields.refused(f"{name} must be below its version {version}; found {earlier}")
    return earlier


def _space(values: object) -> FeatureSpace:
    fields = JsonFields(values, ("name", "parameters", "dim", "fingerprint"), f"{_WHERE}: feature-space", _CODE)
    pairs = fields.items("parameters")
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise fields.refused("parameters must be pairs of a name and a value")
    if not all(isinstance(name, str) and isinstance(value, str | int | float | bool) for name, value in pairs):
        raise fields.refused("parameters must be pairs of a name and a value")
    dim = fields.whole("dim", 1)
    if dim > _MOST_DIM:
        raise fields.refused(f"dim must be at most {_MOST_DIM:,}; found {dim:,}")
    return FeatureSpace(
        name=fields.text("name"),
        parameters=tuple((name, value) for name, value in pairs),
        dim=dim,
        fingerprint=fields.text("fingerprint"),
    )
