"""``graft-client update`` and ``roll-back``: take the newest release into service, or an earlier one back."""

import os
from pathlib import Path
from typing import Annotated

import typer

from client.cli.arguments import PRIVATE, AgentFolder
from client.fitting.fit_settings import FitSettings
from shared.system.answer import AsJson, tell
from shared.system.command_options import with_options
from shared.system.progress import shown

_GIVES_WAY = 10
"""of Unix's niceness: a service on the same machine comes first"""


@with_options
def update(
    folder: AgentFolder,
    asked: FitSettings,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root",
            metavar="FILE",
            help="Whose releases to trust: the root.json that the coordinator's operator gives. Default: the one that "
            "was given before; without one nothing is installed.",
        ),
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help="Where releases come from: coordinator, a folder or https://...; several are asked in their order. "
            "Default: update-from in the agent's settings, else coordinator.",
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Try a release again that was refused here, or fit the installed one anew."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take the newest release into service, if it can be trusted and this platform's own gate serves it.

    Checked are, in this order: what TUF says, each file's length and digest, the statement, the manifest, the encoder
    and its probes; then a fit with the encoder decides. What fails leaves everything as it was, with the reason.
    A service of the same heads takes the new head within seconds. The head of before is kept for roll-back.
    """
    os.umask(PRIVATE)
    os.nice(_GIVES_WAY)
    with shown("update"):
        from client.api.releases import updated

        outcome = updated(folder, root, tuple(sources or ()), asked, force=force)
    tell(outcome.to_json(), f"{folder}: {outcome.sentence}", as_json=as_json)


def roll_back(
    folder: AgentFolder,
    to: Annotated[
        int | None,
        typer.Option(
            "--to",
            metavar="VERSION",
            min=0,
            help="Which one; 0: what was served before any release. Default: the last good one.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve the head of an earlier release again, as it was; nothing is fitted.

    The release that is left is not taken again by itself: graft-client update --force does, or a newer release.
    """
    from client.api.releases import roll_back as take_back
    from client.releases.installed import named

    os.umask(PRIVATE)
    installed = take_back(folder, to=to)
    tell(installed.to_json(), f"{folder}: serves {named(installed.current)} again", as_json=as_json)
