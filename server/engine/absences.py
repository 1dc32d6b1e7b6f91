"""Why a platform takes no part, as the coordinator's operator is told it: what each code means, and what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from server.rounds.exchange import ENGINE
from server.rounds.sum_roster import LEFT_OUT, NO_SUM_KEY
from shared.federation.messages import DeclineReason, FailureCode

TRAIN = "train"
_THERE = "its operator runs graft-client preflight there, which says more"
_ASK_FOR = "and let the run ask for as many as it does: --set least-parties={least}"
_FOLDER = "DIR"
"""stands for the coordinator's folder"""
_STATUS = "its operator runs graft-client start, and graft-client status, which says what keeps it away"
_JOINS = f"where graft-client start runs there, it comes within a minute; else {_STATUS}"


@dataclass(frozen=True)
class Absence:
    """A code, what it means, and what to do."""

    cause: str
    why: str
    do: str

    @property
    def silent(self) -> bool:
        """Whether nothing came, so that it is over once the platform is there again."""
        return self.cause == NO_ANSWER.cause or self.cause.startswith(ENGINE)

    @property
    def sentence(self) -> str:
        """What it means, and what to do."""
        return f"{self.why}; {self.do}"

    def of_folder(self, folder: Path) -> "Absence":
        """The same, with a coordinator's folder in what to do."""
        return replace(self, do=self.do.replace(_FOLDER, str(folder)))


QUEUED = Absence("queued", "it is enrolled, and the engine has yet to be told", "it is told once the server runs")
BEING_TOLD = Absence(QUEUED.cause, QUEUED.why, "it is told within seconds; nothing is to be done")
NEVER_CONNECTED = Absence("never-connected", "it is enrolled and never connected", _JOINS)
OFFLINE = Absence("offline", "it was connected and is so no longer", _STATUS)
REVOKED = Absence("revoked", "its key was revoked", "to let it in again, enroll a new key of it")
SERVER_STOPPED = Absence("server-stopped", "the server does not run", f"graft-server start {_FOLDER}")
EXPIRED = Absence(
    "certificate", "the coordinator's certificate has expired", f"graft-server certificate renew {_FOLDER}"
)
NO_ANSWER = Absence("missing", "no answer of it came in time", _STATUS)
DROPPED = Absence(
    "dropped", "its answer is not one that can be used", "look at both releases; superexec.log has the reason"
)
_LOST = Absence("", "the process that worked on its task ended before it answered", _STATUS)
_UNKNOWN = Absence("", "it answered with a code that this release does not know, {code}", "look at both releases")
_KNOWN = {
    absence.cause: absence
    for absence in (
        Absence(
            DeclineReason.TOO_FEW_USERS,
            "it has fewer training users than rounds or its site policy ask for",
            "it only receives; nothing is to be done here",
        ),
        Absence(
            DeclineReason.TOO_FEW_EVENTS,
            "it is a device with fewer than two events",
            "it takes part once its user has done more; nothing is to be done here",
        ),
        Absence(DeclineReason.SITE_POLICY, "its site policy refuses the task, or has quiet hours", "ask its operator"),
        Absence(
            DeclineReason.TASK_BOUNDS,
            "its site policy does not allow what a training task asks for",
            "keep to usual values (--set local-...), or ask its operator: task-... in its policy.toml",
        ),
        Absence(
            DeclineReason.PRIVACY,
            "it answers under noise alone, or in sums alone, and the run asks for other answers",
            "run with --privacy private or masked-private, or ask its operator: privacy in its policy.toml",
        ),
        Absence(
            DeclineReason.PRIVACY_BUDGET,
            "its users have spent what they were promised that answers cost them at the most, or the run asks for more",
            "run with a smaller --epsilon; otherwise it takes part again when new users have come",
        ),
        Absence(
            DeclineReason.TOO_MUCH_NOISE,
            "it has too few users for the noise: what it could send would tell nothing",
            "it only receives; graft-client privacy there says from how many users on it pays, of its own or in a sum "
            "(--privacy masked-private)",
        ),
        Absence(FailureCode.SETTINGS, "its settings cannot be used", _THERE),
        Absence(FailureCode.DATA, "its data cannot be read", _THERE),
        Absence(
            FailureCode.FEATURE_SPACE,
            "its items have vectors of another feature space than the encoder",
            "agree on features with its operator: features in its settings.toml",
        ),
        Absence(FailureCode.HEAD_STORE, "its vault cannot be read or written", _THERE),
        Absence(FailureCode.PROTOCOL, "the task is of another release than its own", "install one release on both"),
        Absence(
            FailureCode.ENCODER_UNKNOWN,
            "it did not hold the encoder that a step leads on from",
            "it gets a whole one next",
        ),
        Absence(
            FailureCode.UNSIGNED,
            "it has another key of this coordinator, or is enrolled under another name than its own",
            "give its operator tls/ca.crt anew, and compare the name in its settings.toml with the enrolled one",
        ),
        Absence(
            FailureCode.NONCE_REUSED,
            "it has answered another question with the nonce of this one",
            "two coordinators may run from copies of one folder: end one, and begin a new run",
        ),
        Absence(
            FailureCode.ANSWER_GONE,
            "it has answered this question before and keeps the answer no longer",
            "the run went back to an older checkpoint, or a task was sent again: begin a new run",
        ),
        Absence(FailureCode.REFUSED, "its guard or its site policy lets no answer leave", "ask its operator"),
        Absence(
            FailureCode.PRIVACY_LEDGER,
            "it cannot keep track of what its users have spent of their promise",
            "its operator runs graft-client privacy there, which says more",
        ),
        Absence(
            FailureCode.SUM_REFUSED,
            "it does not take part in a secure sum of these platforms, or takes no such step",
            "ask its operator: superexec.log there says what was expected; the next set-up asks it again",
        ),
        Absence(
            FailureCode.TOO_FEW_PARTIES,
            "its site policy asks for more platforms in a sum than this one has",
            f"wait for more platforms, {_ASK_FOR}",
        ),
        Absence(
            FailureCode.SUMS_TOO_CLOSE,
            "without noise, this sum differs from an earlier one by fewer platforms than its site policy asks for, and "
            "the two would tell what those sent",
            f"ask the platforms of before together, add noise (--privacy masked-private), {_ASK_FOR}",
        ),
        Absence(
            NO_SUM_KEY,
            "it is enrolled without a key for secure sums",
            "its operator runs graft-client parties there and sends node.key.pub; then graft-server enroll as before",
        ),
        Absence(
            LEFT_OUT,
            "a sum with it would differ from an earlier one by a few platforms, and the two would tell what they sent; "
            "or it missed a sum of this run",
            "it takes part once 3 platforms (or least-parties of the run) are new at once, or with --privacy "
            "masked-private",
        ),
        Absence(
            FailureCode.PARTIES_UNKNOWN,
            "platforms of this run are new to it, or have another key than it knows",
            "its operator runs graft-client parties there, compares what waits, and accepts it",
        ),
        Absence(FailureCode.INTERNAL, "its task ended with an error", "its operator finds it in logs/superexec.log"),
    )
}


def absences_in(record: Mapping[str, Any]) -> dict[str, Absence]:
    """Who sent no usable answer to a question on record, by name."""
    absences = {name: _of_code(code) for kind in ("declined", "failed") for name, code in record[kind].items()}
    absences |= dict.fromkeys(record["missing"], NO_ANSWER) | dict.fromkeys(record["dropped"], DROPPED)
    return dict(sorted(absences.items()))


def without_words(absences: Mapping[str, Absence]) -> list[str]:
    """Without whom, and why, a text each."""
    return [f"without {name}: {absence.why}" for name, absence in absences.items()]


def absences_in_round(history: Sequence[Mapping[str, Any]]) -> dict[str, Absence]:
    """Who sent no usable answer to a question of the last round, by name; what training came to stands before all."""
    last = [record for record in history if record["round"] == history[-1]["round"]]
    absences: dict[str, Absence] = {}
    for record in sorted(last, key=lambda record: record["kind"] == TRAIN):
        absences |= absences_in(record)
    return dict(sorted(absences.items()))


def _of_code(code: str) -> Absence:
    known, _colon, least = code.partition(":")
    if known in _KNOWN:
        meant = _KNOWN[known]
        return Absence(known, meant.why, meant.do.format(least=least or "K"))
    meant = _LOST if code.startswith(ENGINE) else _UNKNOWN
    return Absence(code, meant.why.format(code=code), meant.do)
