"""``graft-client serve``: answer callers until told to stop."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from client.cli.arguments import AgentOrNone, Heads, LogFormat, VaultKey
from client.serving.serve_settings import Listening, ServeSettings
from shared.errors import ConfigError
from shared.system.command_options import with_options
from shared.system.log_format import TEXT, begin_log

_LOOK_SECONDS = 0.2
"""Between two looks whether it was told to stop: a wait without an end can sleep through a signal that comes as it
begins, or lock itself out where the signal's handler wakes what waits."""


@with_options
def serve(
    listening: Listening,
    folder: AgentOrNone = None,
    heads: Heads = None,
    tokens: Annotated[
        Path | None,
        typer.Option("--tokens", metavar="FILE", help="Who may call: graft-client token add. Default: DIR/tokens."),
    ] = None,
    vault_key: VaultKey = "",
    log_format: LogFormat = TEXT,
) -> None:
    """Serve the fitted recommender over gRPC and HTTP until told to stop.

    A new head that `fit` stores in the same folder is swapped in within seconds, with no request dropped. What callers
    report is kept in the folder, too; sealed, as the heads are, where the folder is a vault.
    """
    # read with torch: requests have threads of their own, which its threads would hold up; and what it allocates is in
    # pages large enough that neither reading nor asking for them takes as long as the work
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    from client.agent.private_part import heads_and_key
    from client.serving.server import Server
    from shared.system.processes.supervision import asked_to_stop

    place, opened_by = heads_and_key(folder, heads, vault_key)
    settings = ServeSettings(heads=place, tokens=_tokens(folder, tokens), vault_key=opened_by, **vars(listening))
    begin_log(log_format)
    asked = asked_to_stop()
    server = Server(settings)
    server.start()
    grpc_port, http_port = server.ports
    secure = "s" if listening.certificate else ""
    name = server.front.service.head
    typer.echo(
        f"serving head {name} on grpc{secure}://{listening.host}:{grpc_port} and http{secure}://{listening.host}:{http_port}"
    )
    while not asked():
        time.sleep(_LOOK_SECONDS)
    server.stop()


def _tokens(agent: Path | None, tokens: Path | None) -> Path:
    if tokens is not None:
        return tokens
    if agent is None:
        raise ConfigError("expected --tokens FILE, which says who may call; graft-client token add makes it")
    from client.agent.home import AgentHome

    return AgentHome(agent).tokens
