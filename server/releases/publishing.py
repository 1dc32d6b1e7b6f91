"""Publishing: a release of the newest encoder, or one that brings an earlier one back under a higher version."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from server.coordinator.home import ServerHome
from server.coordinator.run_book import Run, RunBook
from server.releases.chain import Chain
from server.releases.gate import GateVerdict, gate_verdict
from server.releases.key_plan import ONE_KEY_EACH, KeyPlan
from server.releases.manifest_facts import privacy_statement, round_summaries
from server.releases.new_repository import make_repository
from server.releases.release_files import ReleaseFiles, read_release
from server.releases.repository import Write
from server.releases.signing import Signing, next_targets
from shared.encoder.file import load_encoder
from shared.encoder.provenance import check_line
from shared.errors import ConfigError, os_error_as
from shared.releases.manifest import Manifest
from shared.releases.probes import probes_of
from shared.releases.statement import signed_statement
from shared.releases.targets import Kind, statement_key, target_of


@dataclass(frozen=True, eq=False, kw_only=True)
class Published:
    """A release that is current now."""

    manifest: Manifest
    verdict: GateVerdict | None
    """of the gate; None where a release of before was brought back"""


def publish(home: ServerHome, signing: Signing, *, despite: str = "", plan: KeyPlan | None = None) -> Published:
    """Publish the coordinator's newest encoder, if the gate lets it.

    Args:
        home: the coordinator's folder.
        signing: keys, settings and time.
        despite: why it is published although the gate holds it; empty: then it is held.
        plan: how many keys there are, where the repository is yet to be made; None: one of each.

    Returns:
        The release.

    Raises:
        ConfigError: if the gate holds it, ``despite`` is no line, keys are missing, it is the current release already,
            or a file cannot be read or written.
        EncoderFileError: if the newest encoder is none.
        ReleaseRefused: if what the repository says now does not hold.
    """
    check_line("despite", despite)
    runs, content = RunBook(home.runs).runs(), _content(home.encoder)
    verdict = gate_verdict(content, runs, signing.settings)
    if verdict.held and not despite:
        raise ConfigError(f"the release is held: {verdict.held}; --despite REASON publishes it, and says so in it")
    with signing.repository.alone():
        chain = _chain(signing, plan)
        digest, parent = hashlib.sha256(content).hexdigest(), chain.current
        if parent is not None:
            _require_news(read_release(signing.repository, chain, parent).manifest, digest, signing)
        manifest = replace(
            _described(home, signing, runs, verdict),
            version=(parent or 0) + 1,
            parent=parent,
            digest=digest,
            size=len(content),
            despite=despite if verdict.held else "",
        )
        _add(signing, chain, manifest, content)
    return Published(manifest=manifest, verdict=verdict)


def roll_back(signing: Signing, version: int | None = None) -> Published:
    """Bring an earlier release's encoder back, under a higher version, so that platforms take it as the newest.

    Args:
        signing: keys, settings and time.
        version: of the release whose encoder comes back; None: the one that the current one followed.

    Returns:
        The new release.

    Raises:
        ConfigError: if there is no such release, it is the current one, keys are missing, or a file cannot be written.
        ReleaseRefused: if what the repository says now does not hold.
    """
    with signing.repository.alone():
        chain = signing.repository.chain()
        current = chain.current
        earlier = _earlier(signing, chain, version)
        manifest = replace(
            earlier.manifest,
            version=(current or 0) + 1,
            parent=current,
            rolls_back_to=earlier.manifest.version,
            created=signing.moment,
            expires=signing.release_until,
        )
        _add(signing, chain, manifest, earlier.encoder)
    return Published(manifest=manifest, verdict=None)


def _content(path: Path) -> bytes:
    with os_error_as(ConfigError, f"{path}: the encoder cannot be read"):
        return path.read_bytes()


def _require_news(current: Manifest, digest: str, signing: Signing) -> None:
    """The same encoder is published again only where the release of it is past half of its life."""
    half = current.created + (current.expires - current.created) / 2
    if current.digest == digest and signing.now < half:
        raise ConfigError(
            f"release {current.version} is this encoder already; it may be published again from {half:%Y-%m-%d} on, "
            "and a new one comes of the next completed run"
        )


def _described(home: ServerHome, signing: Signing, runs: Sequence[Run], verdict: GateVerdict) -> Manifest:
    """The newest encoder by its file and the runs behind it, as if it were the first release."""
    encoder, card = load_encoder(home.encoder)
    return Manifest(
        version=1,
        parent=None,
        rolls_back_to=None,
        created=signing.moment,
        expires=signing.release_until,
        digest="",
        size=0,
        feature_space=encoder.spec.feature_space,
        preset=encoder.spec.preset,
        linear=encoder.spec.linear,
        layout=encoder.spec.layout().hash,
        item_moments=card.item_moments,
        probes=probes_of(encoder),
        rounds=round_summaries(runs, verdict.run),
        privacy=privacy_statement(home, card),
        accepted=verdict.accepted,
        declined=verdict.declined,
        despite="",
        licence=card.licence,
    )


def _chain(signing: Signing, plan: KeyPlan | None) -> Chain:
    """Of a repository that is made where there is none."""
    if not signing.repository.exists:
        make_repository(signing, plan or ONE_KEY_EACH)
    elif plan is not None and plan != ONE_KEY_EACH:
        raise ConfigError("the numbers of keys and thresholds are for the first release; rotate changes them later")
    return signing.repository.chain()


def _earlier(signing: Signing, chain: Chain, version: int | None) -> ReleaseFiles:
    """The release whose encoder comes back: another one than the current one has."""
    releases, current = chain.releases, chain.current
    if current is None:
        raise ConfigError("there is no release yet, so none can be brought back")
    before = read_release(signing.repository, chain, current).manifest.parent if version is None else version
    if before is None or before not in releases:
        listed = ", ".join(map(str, releases))
        wanted = f"release {before}" if before else f"a release before {current}"
        raise ConfigError(f"{wanted} is not listed; expected one of {listed}")
    if releases[before]["encoder"].hashes == releases[current]["encoder"].hashes:
        raise ConfigError(f"release {current} has the encoder of release {before}: there is nothing to bring back")
    return read_release(signing.repository, chain, before)


def _add(signing: Signing, chain: Chain, manifest: Manifest, encoder: bytes) -> None:
    """The release's files first; nothing lists them before all of the metadata is written."""
    key = signing.keys.statement(statement_key(chain.targets.signed))
    contents: dict[Kind, bytes] = {
        "encoder": encoder,
        "manifest": manifest.to_bytes(),
        "statement": signed_statement(manifest, key.private),
    }
    targets = {kind: target_of(manifest.version, kind, content) for kind, content in contents.items()}
    files = [Write(signing.repository.file(target), contents[kind]) for kind, target in targets.items()]
    listed = {**chain.targets.signed.targets, **{target.path: target for target in targets.values()}}
    signing.repository.write([*files, *next_targets(signing, chain, listed)])
