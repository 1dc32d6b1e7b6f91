"""A party's secrets of a set-up: drawn once, advertised, shared, and forgotten sum by sum."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from shared.privacy.gaussian_draws import Draw
from shared.secure_sum.noise_parts import seeds_of
from shared.secure_sum.setup import Setup
from shared.secure_sum.setup_messages import Advert, SetupRequest, SumKeys
from shared.secure_sum.shamir import SHARE, split
from shared.secure_sum.streams import KEY, agreed, derived, digest, private_key, public_half

FORGOTTEN = bytes(KEY)


@dataclass(frozen=True)
class SumSecrets:
    """Of one sum."""

    mask: bytes
    """X25519 private key, which gives the masks between two parties"""
    self_mask: bytes
    """seed of the mask that the party adds alone"""
    noise: bytes
    """the first seed of its noise"""

    @classmethod
    def drawn(cls, draw: Draw) -> "SumSecrets":
        """New ones."""
        return cls(draw(KEY), draw(KEY), draw(KEY))

    def shared(self, request: SetupRequest) -> tuple[bytes, ...]:
        """Those of which shares are given, in the order of a parcel."""
        seeds = seeds_of(self.noise, len(request.roster)) if request.terms.noised else ()
        return (self.mask, self.self_mask, *seeds)

    def keys(self, request: SetupRequest) -> SumKeys:
        """What is advertised."""
        return SumKeys(public_half(self.mask), tuple(commitment(secret) for secret in self.shared(request)[1:]))


@dataclass(frozen=True)
class OwnSecrets:
    """Of all sums of a set-up."""

    encryption: bytes
    """X25519 private key"""
    sums: tuple[SumSecrets, ...]

    @classmethod
    def drawn(cls, sums: int, draw: Draw) -> "OwnSecrets":
        """New secrets.

        Args:
            sums: how many sums the set-up is for.
            draw: source of random bytes.

        Returns:
            Secrets of all sums.
        """
        return cls(draw(KEY), tuple(SumSecrets.drawn(draw) for _ in range(sums)))

    def advert(self, request: SetupRequest) -> Advert:
        """Without its signature."""
        return Advert(public_half(self.encryption), tuple(sum_secrets.keys(request) for sum_secrets in self.sums))

    def without(self, below: int) -> "OwnSecrets":
        """Those of sums whose number is lower forgotten."""
        gone = SumSecrets(FORGOTTEN, FORGOTTEN, FORGOTTEN)
        return OwnSecrets(
            self.encryption,
            tuple(gone if number < below else sum_secrets for number, sum_secrets in enumerate(self.sums)),
        )


def commitment(seed: bytes) -> bytes:
    """Digest of a seed of 256 random bits, which tells nothing of it."""
    return digest(b"commitment", seed)


def dealt(setup: Setup, own_number: int, secrets: OwnSecrets, draw: Draw) -> dict[int, bytes]:
    """All shares of a party's secrets by their holder's number: sum after sum, secret after secret.

    Args:
        setup: with the party's neighbours, who hold shares as it does itself.
        own_number: the party's number in the roster.
        secrets: what is shared.
        draw: source of random bytes.

    Returns:
        Shares of ``SHARE`` bytes each, one behind the other, by number of their holder.
    """
    holders, threshold = setup.holders(own_number), setup.degree.threshold
    by_holder: dict[int, list[bytes]] = {holder: [] for holder in holders}
    for sum_secrets in secrets.sums:
        for secret in sum_secrets.shared(setup.request):
            shares = split(secret, [holder + 1 for holder in holders], threshold, draw)
            for holder in holders:
                by_holder[holder].append(shares[holder + 1])
    return {holder: b"".join(parts) for holder, parts in by_holder.items()}


def share_at(setup: Setup, shares: bytes, number: int, secret: int) -> bytes:
    """One share of a parcel's content.

    Args:
        setup: says how many secrets a sum has.
        shares: the content, as ``dealt`` makes it.
        number: of the sum in its set-up.
        secret: the secret's place in its sum: 0 the mask key, 1 the self-mask's seed, then the seeds of noise.

    Returns:
        ``SHARE`` bytes.
    """
    at = (number * setup.request.secrets + secret) * SHARE
    return shares[at : at + SHARE]


class Sealing:
    """Parcels to and from one party (ChaCha20-Poly1305, RFC 8439); a key seals one parcel, so that its nonce is 0."""

    def __init__(self, setup: Setup, own_number: int, secrets: OwnSecrets) -> None:
        self._setup, self._own, self._private = setup, own_number, private_key(secrets.encryption)

    def sealed(self, other: int, shares: bytes) -> bytes:
        """A parcel for another party.

        Args:
            other: the other's number in the roster.
            shares: what it is to hold, as ``dealt`` makes it.

        Returns:
            The sealed bytes, ``TAG`` more than the shares.
        """
        cipher, associated_data = self._cipher(self._own, other, other)
        return cipher.encrypt(bytes(12), shares, associated_data)

    def opened(self, other: int, parcel: bytes) -> bytes | None:
        """The shares in a parcel of another party.

        Args:
            other: the other's number in the roster.
            parcel: as it came.

        Returns:
            The shares; None where the parcel was not sealed by that party for this one.
        """
        cipher, associated_data = self._cipher(other, self._own, other)
        try:
            return cipher.decrypt(bytes(12), parcel, associated_data)
        except InvalidTag:
            return None

    def _cipher(self, sender: int, receiver: int, other: int) -> tuple[ChaCha20Poly1305, bytes]:
        associated_data = self._setup.digest + sender.to_bytes(2, "little") + receiver.to_bytes(2, "little")
        secret = agreed(self._private, self._setup.book.adverts[other].encryption)
        return ChaCha20Poly1305(derived(secret, b"parcel", associated_data)), associated_data
