"""The files of a release, as TUF's metadata list them: three targets a version, and whose key signs statements.

TUF's roles say which release may be installed; what a release is stands in its manifest and its statement.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from tuf.api.metadata import TargetFile, Targets

from shared.errors import ReleaseRefused

Kind = Literal["encoder", "manifest", "statement"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_ENDINGS: Mapping[Kind, str] = {
    "encoder": "safetensors",
    "manifest": "manifest.json",
    "statement": "statement.json",
}
STATEMENT_KEY = "x-graft-statement-key"
"""the field of TUF's targets that holds the public key behind statements, 64 hexadecimal digits"""
_KEY_DIGITS = 64


def target_name(version: int, kind: Kind) -> str:
    """The name of a release's file in TUF's metadata.

    Args:
        version: of the release, from 1.
        kind: which of its three files.

    Returns:
        Such as ``encoder-3.manifest.json``.
    """
    return f"encoder-{version}.{_ENDINGS[kind]}"


def target_of(version: int, kind: Kind, content: bytes) -> TargetFile:
    """A release's file as TUF's metadata list it.

    Args:
        version: of the release, from 1.
        kind: which of its three files.
        content: all of its bytes.

    Returns:
        With length and SHA-256, and what it is as ``custom``.
    """
    target = TargetFile.from_data(target_name(version, kind), content, ["sha256"])
    target.unrecognized_fields["custom"] = {"version": version, "kind": kind}
    return target


def releases_in(targets: Targets) -> dict[int, dict[Kind, TargetFile]]:
    """All releases that TUF's targets list, the lowest version first, each with its three files.

    Raises ReleaseRefused where a target is none of a release's, or a release lacks one.
    """
    releases: dict[int, dict[Kind, TargetFile]] = {}
    for name, target in targets.targets.items():
        version, kind = _said(name, target)
        releases.setdefault(version, {})[kind] = target
    for version, files in releases.items():
        if missing := [kind for kind in KINDS if kind not in files]:
            raise ReleaseRefused(
                f"release {version}: expected the targets {', '.join(KINDS)}; found none for {missing[0]}",
                code="metadata",
            )
    return dict(sorted(releases.items()))


def statement_key(targets: Targets) -> bytes:
    """The 32 bytes of the Ed25519 key that signs statements; raises ReleaseRefused where TUF's targets name none."""
    text = targets.unrecognized_fields.get(STATEMENT_KEY)
    try:
        if not isinstance(text, str) or len(text) != _KEY_DIGITS:
            raise ValueError
        return bytes.fromhex(text)
    except ValueError:
        expected = f"expected {_KEY_DIGITS} hexadecimal digits as {STATEMENT_KEY}"
        raise ReleaseRefused(f"the list of releases: {expected}; found {text!a:.80}", code="metadata") from None


def _said(name: str, target: TargetFile) -> tuple[int, Kind]:
    custom = target.custom if isinstance(target.custom, dict) else {}
    version = custom.get("version")
    kind = next((kind for kind in KINDS if kind == custom.get("kind")), None)
    if type(version) is not int or version < 1 or kind is None or name != target_name(version, kind):
        raise ReleaseRefused(
            f"the list of releases: expected a version and a kind that fit the name of each target; found {name!a:.80} "
            f"with {custom!a:.80}",
            code="metadata",
        )
    return version, kind
