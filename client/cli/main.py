"""The command ``graft-client``: its commands put together."""

from collections.abc import Callable

from client.cli import encoder, token, vault
from client.cli.adapt import adapt
from client.cli.approve import approve
from client.cli.assess import assess
from client.cli.audit import audit
from client.cli.check import check
from client.cli.delete_all import delete_all
from client.cli.dry_run import dry_run
from client.cli.evaluate import evaluate
from client.cli.export import export
from client.cli.fit import fit
from client.cli.import_data import imports
from client.cli.init import init
from client.cli.pack import pack
from client.cli.parties import parties
from client.cli.preflight import preflight
from client.cli.pretrain import pretrain
from client.cli.privacy import privacy
from client.cli.recommend import recommend
from client.cli.serve import serve
from client.cli.start import start, stop
from client.cli.status import status
from client.cli.update import roll_back, update
from shared.system.command_options import run_command
from shared.system.program import add_commands, add_group, program

app = program(
    "graft-client",
    "A platform's side of Graft. Users, items and events stay in its folders; docs/security.md says what answers "
    "to rounds tell of them. Work of over two seconds says on stderr how far it is.",
)
add_commands(
    app,
    [
        ("check", check),
        ("pretrain", pretrain),
        ("assess", assess),
        ("fit", fit),
        ("evaluate", evaluate),
        ("adapt", adapt),
        ("recommend", recommend),
        ("serve", serve),
        ("update", update),
        ("roll-back", roll_back),
        ("pack", pack),
        ("export", export),
        ("init", init),
        ("preflight", preflight),
        ("dry-run", dry_run),
        ("approve", approve),
        ("start", start),
        ("stop", stop),
        ("status", status),
        ("parties", parties),
        ("audit", audit),
        ("privacy", privacy),
        ("delete-all", delete_all),
    ],
)
app.add_typer(imports, name="import")
add_group(app, "encoder", "What an encoder's file says of itself.", [("show", encoder.show)])
add_group(
    app, "token", "Who may call the service.", [("add", token.add), ("revoke", token.revoke), ("list", token.show)]
)
add_group(
    app,
    "vault",
    "The folder in which a platform's heads are sealed.",
    [("make", vault.make), ("rotate", vault.rotate), ("change-key", vault.change_key)],
)


def run(command: Callable[[], None]) -> None:
    """Run a command; an error raised on purpose ends as one sentence on stderr and exit code 2."""
    run_command("graft-client", command)


def main() -> None:
    """The entry point."""
    run(app)


if __name__ == "__main__":
    main()
