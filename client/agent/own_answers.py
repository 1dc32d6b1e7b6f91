"""What an agent's own answers say of its taking part: the last one, and why it was no result."""

from typing import Any

from client.agent.finding import Finding
from client.agent.home import AgentHome
from client.guard.egress_guard import REFUSALS
from client.guard.ledger import Ledger, LedgerLine
from client.guard.site_policy import TaskKind
from shared.federation.messages import DeclineReason, FailureCode

HELD_BACK = "held-back"
_LOOK = "graft-client preflight says what is wrong with it"
_LOG = "the last lines of logs/superexec.log say more"
_WORDS: dict[str, tuple[str, str]] = {
    DeclineReason.TOO_FEW_USERS: (
        "there are fewer training users than rounds or the site policy ask for",
        "until there are more, it receives encoders and contributes to none; graft-client preflight counts them",
    ),
    DeclineReason.TOO_FEW_EVENTS: (
        "a device trains on two events at the least",
        "it takes part once its user has done more; until then it receives encoders",
    ),
    DeclineReason.SITE_POLICY: ("the site policy refused the task", "it is yours to say: policy.toml"),
    DeclineReason.TASK_BOUNDS: (
        "the task asks for more or for less than the site policy allows",
        f"it is yours to say: task-... in policy.toml; {_LOG}",
    ),
    DeclineReason.PRIVACY: (
        "the task asks for an answer without noise, or in a sum, and the site policy lets none leave",
        (
            "the coordinator runs with --privacy private or masked-private; or, if you trust it with histories: "
            'privacy = "plain" in policy'
        ),
    ),
    DeclineReason.PRIVACY_BUDGET: (
        "users have spent what they were promised, or the task asks for more",
        "graft-client privacy shows what was spent; new users take part again",
    ),
    DeclineReason.TOO_MUCH_NOISE: (
        "there are too few users for the noise that the promise asks for",
        "graft-client privacy says from how many users on it pays; until then it receives encoders",
    ),
    FailureCode.SETTINGS: ("its settings cannot be used", _LOOK),
    FailureCode.DATA: ("its data cannot be read", _LOOK),
    FailureCode.FEATURE_SPACE: (
        "the encoder is of another feature space than this platform's items",
        "agree on features with the coordinator: features in settings.toml",
    ),
    FailureCode.HEAD_STORE: ("its vault cannot be read or written", _LOOK),
    FailureCode.PROTOCOL: ("the task is of another release", "install the release that the coordinator runs"),
    FailureCode.ENCODER_UNKNOWN: ("it did not hold the encoder that a step leads on from", "it gets a whole one next"),
    FailureCode.UNSIGNED: (
        "the task is not signed by the coordinator's key in ca.crt for the platform of this name",
        "ask the coordinator for its tls/ca.crt of today, and for the name under which this platform is enrolled",
    ),
    FailureCode.NONCE_REUSED: (
        "the task has the nonce of a question that was answered before, and asks for something else",
        "ask the coordinator's operator why; nothing of the platform's left",
    ),
    FailureCode.ANSWER_GONE: (
        "the task is one that was answered before, and the answer is no longer kept",
        "ask the coordinator's operator why it was sent again; nothing of the platform's left",
    ),
    FailureCode.REFUSED: ("what it would have answered may not leave", f"graft-client audit says why; {_LOG}"),
    FailureCode.PRIVACY_LEDGER: (
        "it cannot be said what users have spent of their promise",
        f"graft-client privacy says more; {_LOG}",
    ),
    FailureCode.SUM_REFUSED: (
        "this platform does not take part in the secure sum, or takes no such step",
        _LOG,
    ),
    FailureCode.TOO_FEW_PARTIES: (
        "a secure sum has fewer platforms than this one asks for",
        "wait until the coordinator asks more of them together; least-parties in policy.toml is yours to say",
    ),
    FailureCode.SUMS_TOO_CLOSE: (
        "a sum without noise differs from an earlier one by a few platforms, and the two would tell what they sent",
        "it takes part with the platforms of before, or under noise; how many are few is least-parties in policy.toml",
    ),
    FailureCode.PARTIES_UNKNOWN: (
        "platforms that this one does not know were to be summed with, or known ones with another key",
        "graft-client parties shows who waits; compare, then graft-client parties DIR --accept NAME",
    ),
    FailureCode.INTERNAL: ("the task ended with an error", _LOG),
    HELD_BACK: ("the guard held its answer back", "graft-client audit says why"),
}
"""By the code of an answer: what it means here, and what to do."""


def last_answer(home: AgentHome) -> LedgerLine | None:
    """None where nothing has left yet, and nothing was held back."""
    return next(reversed(_lines(home)), None)


def obstacle_of_answers(home: AgentHome) -> Finding | None:
    """Why its last answer was no result; who evaluates what it could not train takes no part in that round either."""
    lines = _lines(home)
    if not lines:
        return None
    *before, last = lines[-2:]
    trained = [
        line for line in before if (line.task, line.round) == (TaskKind.TRAIN, last.round) and line.task != last.task
    ]
    return next(filter(None, map(_no_result, [*trained, last])), None)


def answer_as_json(line: LedgerLine) -> dict[str, Any]:
    """When, to what, about which encoder, and which answer."""
    return {
        "time": line.time,
        "round": line.round,
        "task": line.task,
        "answer": line.kind or HELD_BACK,
        "code": line.code,
        "encoder": line.encoder,
    }


def _no_result(line: LedgerLine) -> Finding | None:
    """Why an answer was no result, or None."""
    code = HELD_BACK if line.held_back else line.code
    if not line.held_back and line.kind not in REFUSALS:
        return None
    why, do = _WORDS.get(code, ("the task ended without a result", _LOG))
    return Finding(cause=code, why=f"round {line.round}, {line.task}: {why}", do=do)


def _lines(home: AgentHome) -> list[LedgerLine]:
    return Ledger(home.ledger).lines()[0] if home.ledger.exists() else []
