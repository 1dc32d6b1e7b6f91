"""Who may join: the platforms' names and public keys, kept beside the engine and brought to it when it runs."""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key

from shared.errors import ConfigError, WireError, os_error_as
from shared.federation.messages import power_of_two
from shared.secure_sum.introduction import Introduction
from shared.secure_sum.roster import PARTY, Member
from shared.secure_sum.sum_key_line import SumKey, split_public_key
from shared.system.file_lock import file_lock
from shared.system.whole_file import write_whole

FORMAT = "graft-platforms/1"
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_KEY_BYTES = 4096
_EXPECTED = "expected a public key of a NIST curve in OpenSSH's form, as graft-client init makes node.key.pub"
_COMMENTED = 3
"""words of a public key with a comment of one"""


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """One platform's enrolment; a revoked one stays on record, since its key never counts again."""

    name: str
    key: str
    """its public key in OpenSSH's form, without the comment"""
    users: int = 0
    """its size class, a power of two: what its answers may weigh; 0 where none was given"""
    sum_key: str = ""
    """its key for secure sums, in hexadecimal digits; empty where it was enrolled without one"""
    endorsement: str = ""
    """the signature of its public key over that, in hexadecimal digits"""
    revoked: bool = False
    node: int | None = None
    """its id in the engine, once that knows it"""
    gone: bool = False
    """whether the engine has been told that it is revoked"""

    @property
    def waiting(self) -> bool:
        """Whether the engine has yet to be told."""
        return (not self.gone and self.node is not None) if self.revoked else self.node is None

    @property
    def introduction(self) -> Introduction | None:
        """By which other platforms know it; None where it may not join, or has no key for sums."""
        if self.revoked or not self.sum_key:
            return None
        return Introduction(Member(self.name, bytes.fromhex(self.sum_key)), self.key, bytes.fromhex(self.endorsement))


@dataclass(frozen=True)
class Enrolment:
    """The register in one file; each change is written whole, by one process at a time."""

    path: Path

    def read(self) -> tuple[Enrolled, ...]:
        """All on record, in the order of enrolment; raises ConfigError for a damaged file."""
        if not self.path.exists():
            return ()
        try:
            content = json.loads(self.path.read_text("utf-8"))
            if content["format"] != FORMAT:
                raise ConfigError(f"{self.path}: expected the format {FORMAT}; got {content['format']!r}")
            return tuple(Enrolled(**values) for values in content["platforms"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{self.path}: not a register of platforms") from error

    def enroll(self, name: str, key: str, users: int = 0, sum_key: SumKey | None = None) -> Enrolled:
        """Admit a platform.

        The same name and key again change nothing but its size class and its key for sums, where they are given.

        Args:
            name: the platform's name, 1 to 63 of a-z, 0-9, _, . and -.
            key: its public key in OpenSSH's form, without the comment.
            users: how many it has, which gives its size class; 0 where that is not known.
            sum_key: its key for secure sums, with the signature of ``key`` over it; None where it has none.

        Returns:
            The platform's enrolment as it stands on record.

        Raises:
            ConfigError: if the name is not one or is taken, if the key is or was another's, or if ``key`` did not sign
                for the key for sums.
        """
        if PARTY.fullmatch(name) is None:
            raise ConfigError(f"a platform's name must be 1 to 63 of a-z, 0-9, _, . and -; got {name!r}")
        if sum_key is not None:
            _require_own_sum_key(name, key, sum_key)
        with self._changing() as entries:
            enrolled = next((entry for entry in entries if entry.key == key), None)
            if enrolled is None:
                _require_free(name, entries)
                enrolled = Enrolled(name=name, key=key)
                entries.append(enrolled)
            elif enrolled.revoked or enrolled.name != name:
                whose = f"{enrolled.name}, which was revoked" if enrolled.revoked else enrolled.name
                raise ConfigError(f"the key given for {name} is on record for {whose}; make a new one")
        if sum_key is not None:
            enrolled = self._replaced(name, sum_key=sum_key.key.hex(), endorsement=sum_key.endorsement.hex())
        return self.classify(name, users) if users else enrolled

    def classify(self, name: str, users: int) -> Enrolled:
        """Give a platform another size class, which counts from the next run on.

        Args:
            name: the platform's name.
            users: how many it has; rounded to a power of two.

        Returns:
            The platform's enrolment as it stands on record.

        Raises:
            ConfigError: if none of this name is enrolled.
        """
        return self._replaced(name, users=power_of_two(users))

    def classes(self) -> dict[str, int]:
        """Size class by platform, of those that may join and have one."""
        return {entry.name: entry.users for entry in self.read() if entry.users and not entry.revoked}

    def introductions(self) -> tuple[Introduction, ...]:
        """Of those that may join and have a key for sums, by name."""
        return tuple(sorted(entry.introduction for entry in self.read() if entry.introduction is not None))

    def without_sum_key(self) -> tuple[str, ...]:
        """Those that may join and have none."""
        return tuple(entry.name for entry in self.read() if not entry.revoked and not entry.sum_key)

    def revoke(self, name: str) -> Enrolled:
        """Shut a platform out; raises ConfigError where none of this name is enrolled."""
        return self._replaced(name, revoked=True)

    def update(self, change: Callable[[Enrolled], Enrolled]) -> None:
        """Apply a function to every entry on record."""
        with self._changing() as entries:
            entries[:] = [change(entry) for entry in entries]

    def _replaced(self, name: str, **changes: Any) -> Enrolled:
        with self._changing() as entries:
            for place, entry in enumerate(entries):
                if entry.name == name and not entry.revoked:
                    entries[place] = replace(entry, **changes)
                    return entries[place]
            raise ConfigError(f"no platform {name} is enrolled")

    @contextmanager
    def _changing(self) -> Iterator[list[Enrolled]]:
        """The entries under the lock; what the block makes of them is written where it ends without an error."""
        with file_lock(self.path.with_suffix(".lock")):
            entries = list(self.read())
            yield entries
            content = {"format": FORMAT, "platforms": [asdict(entry) for entry in entries]}
            write_whole(self.path, json.dumps(content, indent=1).encode("utf-8"))


def read_public_key(path: Path) -> str:
    """A platform's public key in OpenSSH's form; raises ConfigError for anything else, a private key above all."""
    content = _split(path)[0].encode("latin-1")
    if b"PRIVATE" in content:
        raise ConfigError(f"{path}: expected the public key; got a private one, which must stay on the platform")
    key = _loaded(content)
    if key is None or len(content.splitlines()) != 1:
        raise ConfigError(f"{path}: {_EXPECTED}; got {_form(content)}")
    text = content.decode("ascii", "replace").split()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, _CURVES):
        raise ConfigError(f"{path}: expected a public key of a NIST curve; got {text[0]}")
    return " ".join(text[:2])


def read_sum_key(path: Path) -> SumKey | None:
    """The key for sums that the file brings beside the public key; None where it brings none.

    Raises ConfigError where it cannot be read.
    """
    return _split(path)[1]


def _split(path: Path) -> tuple[str, SumKey | None]:
    with os_error_as(ConfigError, f"{path}: the public key cannot be read"), path.open("rb") as stream:
        return split_public_key(stream.read(_KEY_BYTES).decode("latin-1"))


def _loaded(content: bytes) -> object | None:
    """None for what the library does not read, whichever error it has for that."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load_ssh_public_key(content)
    except Exception:  # noqa: BLE001 (a point in its short form is a NotImplementedError, others are of other kinds)
        return None


def _is_pem_of_curve(content: bytes) -> bool:
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)


def _form(content: bytes) -> str:
    """What a file that is no key of ours seems to be."""
    if not content.strip():
        return "an empty file"
    if b"-----BEGIN" in content:
        brought = "PEM, which ssh-keygen -i -m PKCS8 -f FILE brings into that form"
        return brought if _is_pem_of_curve(content) else "PEM that is no public key of a NIST curve"
    if b"---- BEGIN SSH2" in content:
        return "SSH2's form, which ssh-keygen -i -f FILE brings into that form"
    if _loaded(content.splitlines()[0]) is not None:
        return f"{len(content.splitlines())} lines, and one is a key"
    return "something that cannot be read, or is cut off"


def require_own_key(name: str, path: Path) -> None:
    """Refuse a key file whose comment names another platform: ``graft-client init`` writes its own.

    Args:
        name: the platform that the key is to be enrolled for.
        path: the file of the public key; one without a comment is taken.

    Raises:
        ConfigError: if the comment names another platform, or the file cannot be read.
    """
    words = _split(path)[0].split()
    bears = words[2] if len(words) == _COMMENTED else ""
    if PARTY.fullmatch(bears) and bears != name:
        how = f"type {bears}, or take that name out of the file to enroll the key under another"
        raise ConfigError(f"{path}: expected the key of {name}; it bears the name {bears}; {how}")


def _require_own_sum_key(name: str, key: str, sum_key: SumKey) -> None:
    try:
        Introduction(Member(name, sum_key.key), key, sum_key.endorsement).require_true()
    except WireError as error:
        how = "its operator sends node.key.pub again, with this name as name in settings.toml"
        raise ConfigError(f"{name}: expected a key for secure sums that its public key signed for; {how}") from error


def _require_free(name: str, entries: list[Enrolled]) -> None:
    if any(entry.name == name and not entry.revoked for entry in entries):
        raise ConfigError(f"{name} is enrolled with another key; revoke it first")
