"""What a reply must be before it may touch the encoder, compared with the server's own.

Rules, in order:
1. it reads as a reply to the task that was sent (shared/federation/wire.py: records, keys, types, length, finite);
2. it answers this round;
3. its feature space has the fingerprint of the server's encoder;
4. its layout has the names, shapes, dtypes and order of the form that was asked for: whole change, adapter, int8
   or int4 delta; in none is there a place for the linear part, which is solved from moments alone;
5. its cells are those of some numbers (shared/encoder/cells.py), whose sizes are bounded;
6. moments are such as sums over vectors of length 1 can be: traces and norms at most n, the joint second moment of
   histories and next items about their means not negative, n a number of pairs that a platform can have.
"""

from dataclasses import replace

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from shared.encoder.cross import triangle_size
from shared.encoder.encoder import Encoder, EncoderSpec, Layout
from shared.encoder.linear import Moments
from shared.errors import ReplyRejected
from shared.federation.messages import CrossReply, Declined, EvaluateReply, Failed, MomentsReply, TrainReply
from shared.federation.moment_cells import BITS
from shared.federation.sum_messages import SumReply
from shared.federation.updates import UpdateForm
from shared.federation.wire import (
    decode_cross_reply,
    decode_evaluate_reply,
    decode_moments_reply,
    decode_sum_reply,
    decode_train_reply,
)
from shared.privacy.grid import MOST_CELL

Float64 = NDArray[np.float64]

_MOST_PAIRS = 1e10


def screen_train(
    content: RecordDict, encoder: Encoder, round_number: int, form: UpdateForm
) -> TrainReply | Declined | Failed:
    """A training reply that fits the encoder sent, as the whole encoder that comes of it.

    It must have the form that was asked for, and no other: an adapter's factors are multiplied out here, since
    the mean of factors is not that of products.

    Args:
        content: the reply in records.
        encoder: the one that was sent.
        round_number: of the question.
        form: in which the update was asked for.

    Returns:
        The reply with the whole encoder's numbers [P], or that the platform declined or failed.

    Raises:
        ReplyRejected: if it breaks a rule, with the reason.
        WireError: if it does not read as such a reply, with the reason.
    """
    reply = screen_update(content, encoder.spec, round_number, form)
    if isinstance(reply, TrainReply):
        whole = form.applied(encoder, reply.flat)
        return replace(reply, flat=whole.flat, layout=encoder.spec.layout())
    return reply


def screen_update(
    content: RecordDict, spec: EncoderSpec, round_number: int, form: UpdateForm
) -> TrainReply | Declined | Failed:
    """A training reply that fits the encoder sent, as it travelled.

    Args:
        content: the reply in records.
        spec: of the encoder that was sent.
        round_number: of the question.
        form: in which the update was asked for.

    Returns:
        The reply with the codes of the form's grid, or that the platform declined or failed.

    Raises:
        ReplyRejected: if it breaks a rule, with the reason.
        WireError: if it does not read as such a reply, with the reason.
    """
    reply = decode_train_reply(content)
    _require_round(reply.round, round_number)
    if isinstance(reply, TrainReply):
        _require_fingerprint(reply.fingerprint, spec)
        grid = form.grid(spec)
        _require_layout(reply.layout, grid.layout)
        if fault := grid.fault(reply.flat):
            raise ReplyRejected(f"the update has cells that no update has: {fault}")
    return reply


def screen_moments(content: RecordDict, spec: EncoderSpec, round_number: int) -> MomentsReply | Declined | Failed:
    """Moments in the feature space of such encoders.

    Args:
        content: the reply in records.
        spec: of the server's encoder.
        round_number: of the question.

    Returns:
        The reply, or that the platform declined or failed.

    Raises:
        ReplyRejected: if it breaks a rule, with the reason.
        WireError: if it does not read as such a reply, with the reason.
    """
    reply = decode_moments_reply(content)
    _require_round(reply.round, round_number)
    if isinstance(reply, MomentsReply):
        _require_fingerprint(reply.fingerprint, spec)
        if reply.moments.dim != spec.input_dim:
            raise ReplyRejected(f"moments must have {spec.input_dim} dimensions; found {reply.moments.dim}")
        require_possible(reply.moments)
    return reply


def screen_cross(
    content: RecordDict, spec: EncoderSpec, round_number: int, noise: float
) -> CrossReply | Declined | Failed:
    """A cross moment in the feature space of such encoders.

    Args:
        content: the reply in records.
        spec: of the server's encoder.
        round_number: of the question.
        noise: the least spread of the noise that it must bear, as a multiple of what one user can move it by.

    Returns:
        The reply, or that the platform declined or failed.

    Raises:
        ReplyRejected: if it breaks a rule, with the reason.
        WireError: if it does not read as such a reply, with the reason.
    """
    reply = decode_cross_reply(content)
    _require_round(reply.round, round_number)
    if isinstance(reply, CrossReply):
        _require_fingerprint(reply.fingerprint, spec)
        if len(reply.cells) != triangle_size(spec.input_dim):
            raise ReplyRejected(f"the cross moment must have {triangle_size(spec.input_dim)} numbers")
        if not reply.noise >= noise:
            raise ReplyRejected(f"the cross moment must bear noise of {noise:.4g} or more; found {reply.noise:.4g}")
        if np.abs(reply.cells).max() > MOST_CELL:
            raise ReplyRejected(f"the cross moment must lie on a grid of {MOST_CELL:,} cells either way")
    return reply


def screen_evaluate(content: RecordDict, round_number: int) -> EvaluateReply | Declined | Failed:
    """An evaluation reply to this round.

    Args:
        content: the reply in records.
        round_number: of the question.

    Returns:
        The reply, or that the platform declined or failed.

    Raises:
        ReplyRejected: if it is to another round, or an NDCG@10 lies outside 0 to 1.
        WireError: if it does not read as such a reply, with the reason.
    """
    reply = decode_evaluate_reply(content)
    _require_round(reply.round, round_number)
    if isinstance(reply, EvaluateReply) and not all(0 <= value <= 1 for value in reply.validation.values()):
        raise ReplyRejected("NDCG@10 must lie between 0 and 1")
    return reply


def screen_sum(content: RecordDict, round_number: int) -> SumReply | Declined | Failed:
    """An answer in a step of a secure sum, which the sum's coordinator checks.

    Args:
        content: the reply in records.
        round_number: of the question.

    Returns:
        The reply, or that the platform declined or failed.

    Raises:
        ReplyRejected: if it is to another round.
        WireError: if it does not read as such a reply, with the reason.
    """
    reply = decode_sum_reply(content)
    _require_round(reply.round, round_number)
    return reply


def _require_round(round_number: int, expected: int) -> None:
    if round_number != expected:
        raise ReplyRejected(f"the reply is to round {round_number}, not to round {expected}")


def _require_fingerprint(fingerprint: str, spec: EncoderSpec) -> None:
    expected = spec.feature_space.fingerprint
    if fingerprint != expected:
        raise ReplyRejected(f"another feature space: expected the fingerprint {expected}; found {fingerprint[:40]!r}")


def _require_layout(layout: Layout, expected: Layout) -> None:
    if len(layout.arrays) != len(expected.arrays):
        raise ReplyRejected(f"the layout must hold {len(expected.arrays)} arrays; found {len(layout.arrays)}")
    for place, (ours, theirs) in enumerate(zip(expected.arrays, layout.arrays, strict=True)):
        if ours != theirs:
            raise ReplyRejected(
                f"array {place} of the layout must be {ours.name} {list(ours.shape)} {ours.dtype}; "
                f"found {theirs.name[:40]!r} {list(theirs.shape)[:4]} {theirs.dtype}"
            )


def require_possible(moments: Moments) -> None:
    """That they are sums over n pairs of vectors no longer than 1, each up to what rounding to cells may add to D.

    Raises ReplyRejected.
    """
    slack = moments.dim * 2.0**-BITS
    limit = moments.n * (1 + slack) + slack
    traces = max(float(np.trace(moments.A)), float(np.trace(moments.C)))
    norms = max(float(np.linalg.norm(part)) for part in (moments.B, moments.sum_q, moments.sum_y))
    if not 1 <= moments.n <= _MOST_PAIRS:
        raise ReplyRejected(f"the moments must be of 1 to {_MOST_PAIRS:g} pairs; found {moments.n:g}")
    if traces > limit or norms > limit:
        raise ReplyRejected("the moments are larger than sums over so many vectors of length 1 can be")
    both = np.block([[moments.A, moments.B], [moments.B.T, moments.C]]) / moments.n
    means = np.concatenate([moments.sum_q, moments.sum_y]) / moments.n
    if not _is_positive(both - np.outer(means, means) + 2 * slack * np.eye(len(means))):
        raise ReplyRejected("the moments are not those of any pairs: their joint second moment is negative")


def _is_positive(square: Float64) -> bool:
    """Whether a symmetric matrix is positive definite; by Cholesky's way, a tenth of the time of eigenvalues."""
    try:
        np.linalg.cholesky(square)
    except np.linalg.LinAlgError:
        return False
    return True
