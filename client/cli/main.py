"""The command ``graft-client``: its commands put together."""

from collections.abc import Callable

import typer

from client.cli import token, vault
from client.cli.approve import approve
from client.cli.assess import assess
from client.cli.audit import audit
from client.cli.check import check
from client.cli.delete_all import delete_all
from client.cli.dry_run import dry_run
from client.cli.evaluate import evaluate
from client.cli.fit import fit
from client.cli.import_data import imports
from client.cli.init import init
from client.cli.parties import parties
from client.cli.preflight import preflight
from client.cli.pretrain import pretrain
from client.cli.privacy import privacy
from client.cli.recommend import recommend
from client.cli.serve import serve
from client.cli.start import start, stop
from client.cli.status import status
from shared.system.command_options import run_command

app = typer.Typer(
    name="graft-client",
    help="A platform's side of Graft. Users, items and events stay in its folders; docs/security.md says what answers "
    "to rounds tell of them. Work of over two seconds says on stderr how far it is.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
callers = typer.Typer(help="Who may call the service.", no_args_is_help=True)
callers.command()(token.add)
callers.command()(token.revoke)
vaults = typer.Typer(help="The folder in which a platform's heads are sealed.", no_args_is_help=True)
vaults.command()(vault.make)
vaults.command()(vault.rotate)
vaults.command("change-key")(vault.change_key)
app.add_typer(imports, name="import")
app.add_typer(callers, name="token")
app.add_typer(vaults, name="vault")
for command in (
    fit,
    evaluate,
    recommend,
    serve,
    audit,
    privacy,
    parties,
    approve,
    init,
    preflight,
    start,
    stop,
    status,
    check,
    pretrain,
    assess,
):
    app.command()(command)
app.command("delete-all")(delete_all)
app.command("dry-run")(dry_run)


def run(command: Callable[[], None]) -> None:
    """Run a command; an error raised on purpose ends as one sentence on stderr and exit code 2."""
    run_command("graft-client", command)


def main() -> None:
    """The entry point."""
    run(app)


if __name__ == "__main__":
    main()
