"""The command ``graft-server``: wiring only."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from server.cli.backup import back_up, restore
from server.cli.init import make_coordinator, renew_certificate
from server.cli.run import Plain, asked_config, begin, follow, go_on
from server.cli.start import start_here, start_in_background
from server.cli.status import status, status_lines
from server.coordinator.certificates import expiry
from server.coordinator.enrolment import Enrolment, read_public_key
from server.coordinator.home import ServerHome
from server.coordinator.run_book import OPEN, RunBook
from server.coordinator.settings import ServerSettings
from server.engine.supervisor import supervision
from shared.encoder.file import load_encoder, save_encoder
from shared.errors import ConfigError
from shared.system.command_line import run_command
from shared.system.log_format import HELP as LOG_HELP
from shared.system.log_format import TEXT, checked_format
from shared.system.settings_file import read_settings

PRIVATE = 0o077
"""the umask under which all is written: nothing is readable for other users of the machine"""

app = typer.Typer(
    name="graft-server",
    help="The coordinator: it admits platforms, runs rounds and holds the encoder; never a platform's data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
certificates = typer.Typer(help="The server's TLS certificate.", no_args_is_help=True)
encoders = typer.Typer(help="The encoder that the platforms improve.", no_args_is_help=True)
app.add_typer(certificates, name="certificate")
app.add_typer(encoders, name="encoder")

Folder = Annotated[Path, typer.Option("--home", metavar="DIR", envvar="GRAFT_SERVER", help="The coordinator's folder.")]
LogFormat = Annotated[str, typer.Option("--log-format", metavar="text|json", help=LOG_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    encoder: Annotated[
        Path, typer.Option("--encoder", metavar="FILE", help="What graft-client pretrain made on the source platform.")
    ],
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="A host name or address under which platforms reach it; may be repeated."),
    ] = None,
    port: Annotated[int, typer.Option(help="The port that platforms reach.")] = 9443,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "0.0.0.0",  # noqa: S104
) -> None:
    """Make a coordinator's folder: settings, a certificate authority, a certificate, the encoder to begin with."""
    settings = ServerSettings(host=host, port=port, names=tuple(name or ("localhost",)))
    made = make_coordinator(folder, encoder, settings, now=datetime.now(UTC))
    typer.echo("\n".join(made.lines()))


@app.command()
def enroll(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The platform's name in every round.")],
    public_key: Annotated[
        list[Path],
        typer.Option("--public-key", metavar="FILE", help="The node.key.pub of the platform's folder; one for each."),
    ],
    home: Folder = Path(),
) -> None:
    """Admit platforms by their public keys; where the server is down, it is told when it starts."""
    register = Enrolment(ServerHome.existing(home).platforms)
    if len(names) != len(public_key):
        raise ConfigError(f"expected a --public-key for each of {len(names)} names; got {len(public_key)}")
    for name, key in zip(names, [read_public_key(path) for path in public_key], strict=True):
        typer.echo(f"{register.enroll(name, key).name}: enrolled")


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="The platform's name.")], home: Folder = Path()) -> None:
    """Shut a platform out; its key never counts again."""
    register = Enrolment(ServerHome.existing(home).platforms)
    typer.echo(f"{register.revoke(name).name}: revoked")


@app.command()
def platforms(home: Folder = Path(), as_json: AsJson = False) -> None:
    """List who may join, who may no longer, and what the engine has yet to be told."""
    entries = Enrolment(ServerHome.existing(home).platforms).read()
    if as_json:
        listed = [{"name": one.name, "key": one.key, "state": _state(one.revoked, one.waiting)} for one in entries]
        typer.echo(json.dumps(listed, indent=2))
        return
    for one in entries:
        typer.echo(f"{one.name}: {_state(one.revoked, one.waiting)}")
    if not entries:
        typer.echo("no platform is enrolled")


@app.command()
def start(
    home: Folder = Path(),
    background: Annotated[bool, typer.Option("--background", help="Return once platforms can join.")] = False,
    log_format: LogFormat = TEXT,
) -> None:
    """Run the coordinator: Flower's engine on loopback, the proxy before it, and the runs on record."""
    found = ServerHome.existing(home)
    if background:
        typer.echo(f"the server runs as process {start_in_background(found, checked_format(log_format))}")
    else:
        start_here(found, log_format)


@app.command("stop")
def stop_server(home: Folder = Path()) -> None:
    """End the coordinator; a run that is under way goes on at the next start."""
    supervision(ServerHome.existing(home)).stop()
    typer.echo("stopped")


@app.command("run")
def run_rounds(
    rounds: Annotated[int | None, typer.Option(help="Training rounds.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of every random draw.")] = None,
    strategy: Annotated[str | None, typer.Option(help="fedavg, fedavgm or fedadam.")] = None,
    min_platforms: Annotated[int | None, typer.Option(help="Fewer platforms online end the run.")] = None,
    require_all: Annotated[
        bool | None, typer.Option("--require-all", help="Every round needs each platform that is online at the start.")
    ] = None,
    deadline_seconds: Annotated[float | None, typer.Option(help="For a platform to answer.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other value of the run; repeatable.")
    ] = None,
    resume: Annotated[int | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not follow it.")] = False,
    home: Folder = Path(),
) -> None:
    """Run rounds from the newest encoder, and follow them; the run goes on without this terminal."""
    found = ServerHome.existing(home)
    named: dict[str, Plain | None] = {
        "rounds": rounds,
        "seed": seed,
        "strategy": strategy,
        "min-platforms": min_platforms,
        "require-all": require_all,
        "deadline-seconds": deadline_seconds,
    }
    given = [name for name, value in named.items() if value is not None]
    if resume is not None and (given or settings):
        raise ConfigError("a run goes on with what it was asked; --resume takes no other option of the run")
    begun = begin(found, asked_config(named, settings or ())) if resume is None else go_on(found, resume)
    if detach:
        typer.echo(f"run {begun.number} is queued")
    else:
        follow(begun, found, Console())


@app.command()
def cancel(
    number: Annotated[int, typer.Argument(metavar="RUN", help="Its number.")],
    home: Folder = Path(),
) -> None:
    """Stop a run; `graft-server run --resume` goes on with it."""
    begun = RunBook(ServerHome.existing(home).runs).get(number)
    if begun.standing().state not in OPEN:
        raise ConfigError(f"run {number} is {begun.standing().state}")
    begun.ask_to_stop()
    typer.echo(f"run {number} is being stopped")


@app.command("status")
def show_status(home: Folder = Path(), as_json: AsJson = False) -> None:
    """Say what the coordinator is doing: processes, certificate, platforms, runs."""
    found = status(ServerHome.existing(home), now=datetime.now(UTC))
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(status_lines(found)))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it holds keys, guard it.")],
    home: Folder = Path(),
) -> None:
    """Write the coordinator to one file, while it runs or not; logs are left out."""
    size = back_up(ServerHome.existing(home), file)
    typer.echo(f"{file}: {size:,} bytes, with private keys in it")


@app.command("restore")
def restore_server(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What backup wrote.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
) -> None:
    """Make a coordinator's folder from a backup; the coordinator that it is of must run no longer."""
    typer.echo(f"{restore(file, folder).folder}: restored; graft-server start goes on with it")


@encoders.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    number: Annotated[int | None, typer.Option("--run", metavar="RUN", help="Of this run, as far as it is.")] = None,
    home: Folder = Path(),
) -> None:
    """Write the newest encoder to a file, checked."""
    found = ServerHome.existing(home)
    source = found.encoder if number is None else RunBook(found.runs).get(number).encoder
    encoder, card = load_encoder(source)
    save_encoder(file, encoder, card)
    typer.echo(f"{file}: {encoder.spec.preset}, {encoder.flat.size:,} parameters")


@certificates.command("renew")
def renew(home: Folder = Path()) -> None:
    """Make a new certificate from the same authority; a running server takes it at its next start."""
    found = ServerHome.existing(home)
    renew_certificate(found, read_settings(ServerSettings, found.settings), now=datetime.now(UTC))
    typer.echo(f"{found.certificate}: good until {expiry(found.certificate):%Y-%m-%d}")


def _state(revoked: bool, waiting: bool) -> str:
    return ("revoked" if revoked else "enrolled") + (", queued for the engine" if waiting else "")


def run(command: Callable[[], None]) -> None:
    """Run a command; an error raised on purpose ends as one sentence on stderr and exit code 2."""
    os.umask(PRIVATE)
    run_command("graft-server", command)


def main() -> None:
    """The entry point."""
    run(app)


if __name__ == "__main__":
    main()
