"""An encoder from a platform's data."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.api.options import flat_options, settings_of
from client.api.python_words import in_python_words
from client.data.folder_options import DataSettings
from client.data.spec import parse_folder
from client.fitting.pretrain import PretrainOutcome, pretrain_folder
from shared.encoder.presets import EncoderSize
from shared.encoder.provenance import Authorship, Provenance
from shared.privacy.promise import RequestedPromise


@in_python_words()
def pretrain(platform: str | Path, out: str | Path, **options: Any) -> PretrainOutcome:
    """Pretrain an encoder on a platform and write it to a file, as ``graft-client pretrain`` does.

    Args:
        platform: a platform folder or an SQL source's file, ``DIR[,option=value...]``.
        out: the encoder file to write.
        options: those of the command: ``encoder`` (the preset), ``seed``, ``features``, ``device``,
            ``min_user_events``, ``min_item_events``, ``privacy``, ``epsilon``, ``delta``, ``made_by``, ``licence``, ...

    Returns:
        The number of parameters, the epochs, and NDCG@10 on validation events.

    Raises:
        ConfigError: if an option makes no sense, or the file cannot be written.
        DataError: if the platform breaks the data contract or is too small.
        PrivacyError: if what its users are promised cannot be kept account of.
    """
    flat = flat_options(options, EncoderSize, DataSettings, RequestedPromise, Authorship)
    return pretrain_with(
        str(platform),
        Path(out),
        settings_of(EncoderSize, flat),
        settings_of(DataSettings, flat),
        settings_of(RequestedPromise, flat),
        settings_of(Authorship, flat),
        now=datetime.now(UTC),
    )


def pretrain_with(
    platform: str,
    out: Path,
    size: EncoderSize,
    data: DataSettings,
    promise: RequestedPromise,
    authorship: Authorship,
    *,
    now: datetime,
) -> PretrainOutcome:
    """As ``pretrain``, with options that are checked already.

    Args:
        platform: as of ``pretrain``.
        out: the encoder file to write.
        size: the preset.
        data: how the platform's data are prepared.
        promise: to each user, where the encoder is to be private.
        authorship: who made the encoder, and its licence, for its card.
        now: when it is made, with a zone; the card says its day in UTC.

    Returns:
        As ``pretrain``.

    Raises:
        InputError: if the platform's line or data are wrong, or the file cannot be written.
        PrivacyError: if what users are promised cannot be kept account of.
    """
    spec = parse_folder(platform)
    return pretrain_folder(
        spec.path,
        out,
        preparation=spec.preparation(data),
        features=data.features,
        preset=size.encoder,
        seed=data.seed,
        promise=promise,
        device=data.device,
        origin=Provenance(**vars(authorship), pretrained=now.astimezone(UTC).date().isoformat()),
    )
