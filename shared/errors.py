"""Every error that Graft raises on purpose, in one tree.

GraftError
├── InputError                 something from outside is wrong: one sentence, exit code 2
│   ├── ConfigError            a flag, a config file or a setting
│   ├── DataError              a platform folder, a raw file, a column, a row
│   │   ├── SourceUnreachable  a database that does not answer now
│   │   └── TooFewUsers        data of which preparation leaves nobody, or nothing
│   ├── EncoderFileError       an encoder file that cannot be read or trusted
│   ├── PackRefused            a catalogue pack, or what leads to the next one, that cannot be read or trusted
│   ├── ReleaseRefused         a release, or what is said of it, that cannot be read or trusted, or is not wanted
│   └── FeatureSpaceMismatch   two feature spaces were about to be mixed
├── FederationError            a federated run cannot go on
│   └── CheckpointError        what a run has reached cannot be read or written
├── EngineError                Flower's engine cannot be reached, or refuses
├── WireError                  a message that is not what the protocol says
│   └── ReplyRejected          a reply that must not enter the encoder
├── OutboundRefused            an answer that may not leave the platform
├── PrivacyError               what users were promised cannot be kept track of
├── EncoderUnknown             a step leads on from an encoder that this platform does not hold
├── TaskRefused                a task that this platform does not take
│   ├── TaskBeyondBounds       it asks for what the site policy does not allow
│   ├── PlainTask              it asks for an answer without noise, and none may leave
│   ├── BudgetBroken           it would cost users more than they were promised
│   ├── TaskUnsigned           it is not signed by the key that the platform has of its coordinator
│   ├── NothingToSum           too few users may give to a sum, or it does not pay
│   ├── NonceReused            its nonce is another question's
│   └── AnswerGone             it was answered before, and the answer is no longer kept
├── SumRefused                 a step of a secure sum that this party does not take
│   ├── TooFewParties          it is of fewer parties than this one asks for
│   ├── TooClose               without noise, its parties differ by too few from those of an earlier sum
│   └── UnknownParties         it is with parties that this one does not know, or with other keys of them
├── SumFailed                  a secure sum that ends without a result; nothing of it is opened
├── JournalError               what callers reported cannot be read or written
├── StorageError               what a platform keeps cannot be read or written
│   ├── HeadStoreError         a stored head
│   ├── VaultError             a sealed record, or the keyring that opens it
│   └── LedgerError            the ledger of what left
└── RequestError               a caller's request that cannot be answered
    ├── InvalidRequest         what it asks makes no sense; the message says which part
    │   └── Unreadable         it is not in the form that it has to have
    ├── NothingToRecommend     what it allows holds no item
    ├── Overloaded             too many requests are under way
    ├── CallersUnknown         it cannot be said who may call
    ├── NotAdmitted            its token is nobody's
    ├── Unavailable            the service cannot answer now; later it may
    │   └── Unreachable        no service answers at the address
    ├── CallerGone             nobody waits for the answer any more
    └── TooLate                its deadline passed
        └── Shed               its deadline would have passed before the work was done
"""

from collections.abc import Iterator
from contextlib import contextmanager


class GraftError(Exception):
    """Base of all errors raised on purpose; its text never holds user data or keys."""


class InputError(GraftError):
    """Something from outside is wrong; a command prints it as one sentence and exits with code 2."""


class ConfigError(InputError):
    """A flag, a config file or a setting is wrong."""


class DataError(InputError):
    """A platform folder, a raw file, a column or a row is wrong."""


class SourceUnreachable(DataError):
    """A database does not answer now; later it may."""


class TooFewUsers(DataError):
    """Preparation leaves nobody, or nothing."""


class EncoderFileError(InputError):
    """An encoder file cannot be read or trusted."""


class PackRefused(InputError):
    """A catalogue pack, or what leads from one to the next, cannot be read or trusted."""


class ReleaseRefused(InputError):
    """A release, or what is said of it, cannot be read or trusted, or is not wanted; ``code`` names the check."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class FeatureSpaceMismatch(InputError):
    """Two feature spaces were about to be mixed; the message names both."""


class FederationError(GraftError):
    """A federated run cannot go on; what it had reached is kept."""


class CheckpointError(FederationError):
    """What a run has reached cannot be read or written."""


class EngineError(GraftError):
    """Flower's engine cannot be reached, or refuses."""


class WireError(GraftError):
    """A message is not what the protocol says."""


class ReplyRejected(WireError):
    """A reply that must not enter the encoder; the message says why."""


class TaskRefused(GraftError):
    """A task that this platform does not take."""


class TaskBeyondBounds(TaskRefused):
    """A task asks for what the platform's site policy does not allow."""


class PlainTask(TaskRefused):
    """A task asks for an answer without noise, and the platform's site policy lets none leave."""


class BudgetBroken(TaskRefused):
    """A task asks for more than users were promised that it would cost them."""


class TaskUnsigned(TaskRefused):
    """A task is not signed by the coordinator's key for this platform."""


class NothingToSum(TaskRefused):
    """No vector of this platform enters a sum; the message is the reason of the decline."""


class NonceReused(TaskRefused):
    """A task has the nonce of a question that was answered before, and other content."""


class AnswerGone(TaskRefused):
    """A task was answered before, and the answer is no longer kept: it is not made anew."""


class SumRefused(GraftError):
    """A step of a secure sum that this party does not take; the message says why and quotes nothing of a vector."""


class TooFewParties(SumRefused):
    """A step of a secure sum is of fewer parties than this one asks for."""


class TooClose(SumRefused):
    """A secure sum without noise has the parties of an earlier one but for fewer than this party asks for."""


class UnknownParties(SumRefused):
    """A step of a secure sum is with parties that this one does not know, or with other keys of them."""


class SumFailed(GraftError):
    """A secure sum ends without a result: too few take part; no party's vector is opened."""


class OutboundRefused(GraftError):
    """An answer may not leave the platform; the message names the rule and quotes nothing of the answer."""


class PrivacyError(GraftError):
    """What users were promised cannot be kept track of; so nothing is released."""


class EncoderUnknown(GraftError):
    """A step leads on from an encoder that this platform does not hold; it needs the whole one."""


class StorageError(GraftError):
    """What a platform keeps cannot be read or written; what was there before is as it was."""


class HeadStoreError(StorageError):
    """A stored head cannot be read or written."""


class VaultError(StorageError):
    """A sealed record, or the keyring that opens it, cannot be read or written."""


class LedgerError(StorageError):
    """The ledger of what left cannot be written; so nothing leaves."""


class JournalError(GraftError):
    """What callers reported cannot be read or written; nothing that was acknowledged is lost."""


class RequestError(GraftError):
    """A caller's request that cannot be answered; the message goes to them."""


class InvalidRequest(RequestError):
    """What a request asks makes no sense; the message says which part."""


class Unreadable(InvalidRequest):
    """A request is not in the form that it has to have; the message says where."""


class NothingToRecommend(RequestError):
    """What a request allows holds no item."""


class Overloaded(RequestError):
    """Too many requests are under way; later there will be room."""


class CallersUnknown(RequestError):
    """It cannot be said who may call; later it can."""


class NotAdmitted(RequestError):
    """A service knows nobody by the token of a request."""


class Unavailable(RequestError):
    """A service cannot answer now; later it may."""


class Unreachable(Unavailable):
    """No service answers at an address."""


class CallerGone(RequestError):
    """Nobody waits for the answer any more."""


class TooLate(RequestError):
    """A request's deadline passed before it was its turn."""


class Shed(TooLate):
    """A request is given up before its deadline, so that its caller hears of it in time."""


@contextmanager
def os_error_as(kind: type[GraftError], what: str) -> Iterator[None]:
    """What the operating system refuses inside is raised as an error of ours: ``what``, then the system's reason.

    Args:
        kind: class of the error that is raised.
        what: beginning of its sentence: what could not be done.

    Raises:
        GraftError: of the class ``kind``, if the code inside raises OSError.
    """
    try:
        yield
    except OSError as error:
        raise kind(f"{what}: {error.strerror}") from error
