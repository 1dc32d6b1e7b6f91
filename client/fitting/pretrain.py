"""From a platform folder to an encoder file, calibrated on its calibration users."""

from dataclasses import dataclass
from math import isnan
from pathlib import Path

from client.data.folder_options import Preparation
from client.data.platform import Platform
from client.features.prepared_platform import PreparedPlatform, open_platform
from client.privacy.account import digests_of
from client.privacy.accounts import Accounts, machine_place
from client.training.loop import TrainingSettings
from client.training.pretraining import PRETRAINING, pretrain, pretrain_private, require_learnable
from client.transfer.release import released_calibration, released_catalogue, released_item_moments
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, save_encoder
from shared.encoder.provenance import AT_PRETRAINING, DIGITS, Provenance
from shared.errors import ConfigError, os_error_as
from shared.privacy.ledger import Release, now_text
from shared.privacy.promise import RequestedPromise
from shared.system.device import AUTO, CPU, Device, used_device
from shared.system.progress import working


@dataclass(frozen=True, kw_only=True)
class PretrainOutcome:
    """What the command says at its end."""

    parameters: int
    epochs: int
    best_validation: float
    """NDCG@10 of the sequence part with its ids on validation events; NaN where there were none"""
    device: Device
    """where it was trained, cpu or cuda"""


def pretrain_folder(
    folder: Path,
    out: Path,
    *,
    preparation: Preparation,
    features: str = "hashing",
    preset: str = "small",
    settings: TrainingSettings = PRETRAINING,
    seed: int = 0,
    promise: RequestedPromise | None = None,
    origin: Provenance | None = None,
    device: str = AUTO,
) -> PretrainOutcome:
    """Pretrain on a platform folder and write the encoder file.

    Args:
        folder: the platform's.
        out: the file, in an existing folder.
        preparation: what is kept of the folder.
        features: the feature space, by its name.
        preset: name of the encoder's size.
        settings: of the training; a private promise trains nothing.
        seed: of the preparation and the training.
        promise: what is promised to each user. Where it is private, the linear part alone is written, under noise, and
            what the file costs each user is written down on this machine first. None: no noise.
        origin: what the card says of who made it and when; the validation is added to it. None: nothing is said.
        device: where it is trained: auto, cpu or cuda.

    Returns:
        What the command says at its end.

    Raises:
        InputError: if the input is bad, ``out`` cannot be written, or a user has spent a private promise before.
        PrivacyError: if what the file costs each user cannot be written down.
    """
    if not out.parent.is_dir():
        raise ConfigError(f"--out must lie in an existing folder; {out.parent} is none")
    if out.is_dir():
        raise ConfigError(f"--out must name a file; {out} is a folder")
    used = used_device(device)
    private, origin = promise is not None and promise.is_private, origin or Provenance()
    with working("step 1 of 3, preparing"):
        prepared = open_platform(folder, preparation, seed=seed, features=features, apart=private, device=used)
    require_learnable(prepared.platform, prepared.features)
    if promise is not None and private:
        return _pretrain_privately(prepared, out, preset, promise, Accounts(machine_place(folder)), origin)
    with working("step 2 of 3, training the encoder"):
        platform, space = prepared.platform, prepared.space
        result = pretrain(platform, prepared.features, space, preset, settings, seed, device=used)
    with working("step 3 of 3, calibrating it"):
        calibration = released_calibration(prepared, result.encoder)
        moments = released_item_moments(prepared.features, result.encoder)
        catalogue = released_catalogue(prepared.features)
    best = max(result.log.validation, default=float("nan"))
    card = EncoderCard(
        calibration=calibration,
        counts=result.counts,
        item_moments=moments,
        catalogue=catalogue,
        **{**vars(origin), "validation": {} if isnan(best) else {AT_PRETRAINING: round(best, DIGITS)}},
    )
    _write(out, result.encoder, card)
    epochs = len(result.log.losses)
    return PretrainOutcome(parameters=len(result.encoder.flat), epochs=epochs, best_validation=best, device=used)


def _pretrain_privately(
    prepared: PreparedPlatform,
    out: Path,
    preset: str,
    promise: RequestedPromise,
    accounts: Accounts,
    origin: Provenance,
) -> PretrainOutcome:
    """The linear part under noise that spends the whole promise; nobody may have spent any of it before."""
    platform = prepared.platform
    with working("step 2 of 3, the linear part under noise"):
        encoder, counts = pretrain_private(platform, prepared.features, prepared.space, preset, promise)
    with working("step 3 of 3, writing down what it costs each user"):
        _charge(platform, promise, accounts)
    catalogue = released_catalogue(prepared.features)
    privacy = {"epsilon": promise.epsilon, "delta": promise.delta}
    _write(out, encoder, EncoderCard(counts=counts, catalogue=catalogue, privacy=privacy, **vars(origin)))
    return PretrainOutcome(parameters=len(encoder.flat), epochs=0, best_validation=float("nan"), device=CPU)


def _charge(platform: Platform, promise: RequestedPromise, accounts: Accounts) -> None:
    users = digests_of([platform.user_ids[row] for row in platform.encoder_users])
    with accounts.changing() as book:
        spent = int((~book.account.able(users, promise.budget, promise.budget)).sum())
        if spent:
            raise ConfigError(
                f"{platform.name}: expected users of whom nothing was released under noise yet, found {spent:,} of "
                f"{len(users):,} who have spent their promise; graft-client privacy shows on what"
            )
        release = Release(time=now_text(), released="encoder", noise=promise.noise, delta=promise.delta)
        book.replace(book.account.charged(users, promise.budget, release))


def _write(out: Path, encoder: Encoder, card: EncoderCard) -> None:
    with os_error_as(ConfigError, f"{out}: the encoder cannot be written"):
        save_encoder(out, encoder, card)
