"""What a round would find of a platform's data: whether they can be read, and whether they hold enough users."""

from client.agent.finding import Cause, Finding
from client.agent.home import AgentSettings
from client.data.apart import require_apart
from client.data.platform import MIN_TO_CONTRIBUTE
from client.data.preparation import prepare
from client.data.source import read_platform_data, require_readable
from client.data.spec import PlatformSpec, parse_platform_spec
from shared.errors import ConfigError, DataError, SourceUnreachable, TooFewUsers

_MEND = "mend that, or name other data: --data of init, data in settings.toml; graft-client check lists all"
_LATER = "the agent reads them again at each task"
_COUPLED = "leave them out of data in settings.toml; until then it receives encoders and contributes to none"
_RECEIVES = "until there are more, it receives encoders and contributes to none"


def look_at_data(
    settings: AgentSettings, *, minimum_users: int = MIN_TO_CONTRIBUTE, now: bool, private: bool = False
) -> Finding | None:
    """Look at what a round would find of the platform's data.

    Args:
        settings: of the agent; they name the data.
        minimum_users: training users that the site policy wants at the least.
        now: whether a password must be there now; False where it may still come with a later environment.
        private: whether the site policy is private, so that users are kept apart.

    Returns:
        what is wrong with the data, or None.
    """
    spec = parse_platform_spec(f"{settings.name}={settings.data}")
    try:
        require_readable(spec.path, now=False)
        return (
            _secret(spec, now)
            or _users(spec, settings, max(minimum_users, MIN_TO_CONTRIBUTE))
            or (_apart(spec, settings) if private else None)
        )
    except SourceUnreachable as error:
        return Finding(cause=Cause.DATA, why=str(error), do=_LATER)
    except TooFewUsers as error:
        return Finding(cause=Cause.TOO_FEW_USERS, why=str(error), do=_RECEIVES)
    except (ConfigError, DataError) as error:
        return Finding(cause=Cause.DATA, why=str(error), do=_MEND, lasting=True)


def _secret(spec: PlatformSpec, now: bool) -> Finding | None:
    try:
        require_readable(spec.path, now=True)
    except ConfigError as error:
        return Finding(cause=Cause.DATA, why=str(error), do="set it where graft-client start runs", lasting=now)
    return None


def _apart(spec: PlatformSpec, settings: AgentSettings) -> Finding | None:
    try:
        require_apart(spec.preparation(settings), spec.name)
    except ConfigError as error:
        return Finding(cause=Cause.DATA, why=str(error), do=_COUPLED)
    return None


def _users(spec: PlatformSpec, settings: AgentSettings, least: int) -> Finding | None:
    preparation = spec.preparation(settings)
    platform = prepare(
        read_platform_data(spec.path, spec.said_of_times), preparation, name=spec.name, seed=settings.seed
    )
    users = len(platform.training_users)
    if users >= least:
        return None
    why = f"{spec.path}: a platform needs at least {least:,} training users to take part in rounds; found {users:,}"
    return Finding(cause=Cause.TOO_FEW_USERS, why=why, do=_RECEIVES)
