"""``graft-client vault``: the folder in which a platform's heads are sealed."""

from pathlib import Path
from typing import Annotated

import typer

from client.cli.arguments import KEY_HELP
from shared.system.answer import AsJson, tell

VaultFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The vault's folder, DIR/vault of an agent.")]
Key = Annotated[str, typer.Option("--key", metavar="KIND:WHERE", help=KEY_HELP)]


def make(folder: VaultFolder, key: Key, as_json: AsJson = False) -> None:
    """Make a vault; without its key nobody can open it again."""
    from client.store.keyring import KeySource
    from client.store.vault import Vault

    Vault.make(folder, KeySource.parse(key))
    tell({"folder": str(folder), "key": key}, f"{folder}: a vault, opened by {key}", as_json=as_json)


def rotate(folder: VaultFolder, key: Key, as_json: AsJson = False) -> None:
    """Seal every record anew under a new data key, and forget the old one."""
    from client.store.keyring import KeySource
    from client.store.vault import Vault

    records = Vault.open(folder, KeySource.parse(key)).rotate()
    sentence = f"{folder}: {records} records are sealed under a new data key"
    tell({"folder": str(folder), "records": records}, sentence, as_json=as_json)


def change_key(
    folder: VaultFolder,
    key: Key,
    new_key: Annotated[str, typer.Option("--new-key", metavar="KIND:WHERE", help="What shall open it from now on.")],
    as_json: AsJson = False,
) -> None:
    """Let another passphrase, key file or variable open the vault, and the old one no more."""
    from client.store.keyring import KeySource
    from client.store.vault import Vault

    Vault.open(folder, KeySource.parse(key)).use_key_of(KeySource.parse(new_key))
    tell({"folder": str(folder), "key": new_key}, f"{folder}: is opened by {new_key} from now on", as_json=as_json)
