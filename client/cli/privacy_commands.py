"""The commands of ``graft-client`` that show what left, erase, seal, and approve what runs: wiring only."""

import json
from pathlib import Path
from typing import Annotated

import typer

from client.cli.audit import read_audit
from client.cli.delete_all import Erasure
from client.guard.approved_bundles import PLACE as APPROVED
from client.guard.approved_bundles import approve
from client.store.key_source import KeySource
from client.store.vault import Vault
from shared.errors import ConfigError

KEY_HELP = "What opens it: file:PATH, env:VARIABLE (64 hexadecimal digits) or passphrase:VARIABLE."
vaults = typer.Typer(help="The folder in which a platform's heads are sealed.", no_args_is_help=True)
VaultFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The vault's folder, DIR/vault of an agent.")]
Key = Annotated[str, typer.Option("--key", metavar="KIND:WHERE", help=KEY_HELP)]


def add_privacy_commands(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.command()(audit)
    app.command("delete-all")(delete_all)
    app.command("approve")(approve_bundle)
    app.add_typer(vaults, name="vault")


def audit(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The agent's folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the ledger as JSON.")] = False,
) -> None:
    """Say in plain words what has left this platform, when, and how many bytes."""
    found = read_audit(folder)
    typer.echo(json.dumps(found.to_json(), indent=2) if as_json else "\n".join(found.text()))


def delete_all(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The agent's folder.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase all that the agent has learnt from the platform's data; says what that cannot undo."""
    erasure = Erasure.of(folder)
    typer.echo("\n".join(erasure.lines()))
    if not yes:
        typer.confirm("Erase it?", abort=True)
    erasure.erase()
    typer.echo("erased")


def approve_bundle(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The agent's folder.")],
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="A .fab file, or its SHA-256 digest.")],
) -> None:
    """Let the agent run a bundle that a coordinator sends; it runs no other."""
    if not folder.is_dir():
        raise ConfigError(f"{folder}: expected an agent's folder; found none")
    typer.echo(f"{folder}: bundle {approve(folder / APPROVED, bundle)} may run here")


@vaults.command()
def make(folder: VaultFolder, key: Key) -> None:
    """Make a vault; without its key nobody can open it again."""
    Vault.make(folder, KeySource.parse(key))
    typer.echo(f"{folder}: a vault, opened by {key}")


@vaults.command()
def rotate(folder: VaultFolder, key: Key) -> None:
    """Seal every record anew under a new data key, and forget the old one."""
    records = Vault.open(folder, KeySource.parse(key)).rotate()
    typer.echo(f"{folder}: {records} records are sealed under a new data key")


@vaults.command("change-key")
def change_key(
    folder: VaultFolder,
    key: Key,
    new_key: Annotated[str, typer.Option("--new-key", metavar="KIND:WHERE", help="What shall open it from now on.")],
) -> None:
    """Let another passphrase, key file or variable open the vault, and the old one no more."""
    Vault.open(folder, KeySource.parse(key)).use_key_of(KeySource.parse(new_key))
    typer.echo(f"{folder}: is opened by {new_key} from now on")
