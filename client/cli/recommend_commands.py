"""The commands of ``graft-client`` that fit, show and serve recommendations: wiring only."""

from pathlib import Path
from typing import Annotated

import click
import typer

from client.agent.private_part import heads_and_key
from client.cli.serve import AgentFolder, Heads, VaultKey, callers, serve
from client.data.spec import FOLDER_HELP
from client.features.item_features import CHOICES as FEATURE_SPACES
from client.serving.private_folder import open_private_folder
from client.serving.reported_events import ReportedEvents
from client.store.head_store import open_heads
from shared.errors import ConfigError

TookPart = Annotated[
    bool,
    typer.Option(
        "--took-part",
        help="This platform helped to train the encoder, under the same seed and preparation: only the users who "
        "stayed out of that judge it.",
    ),
]
OwnEncoder = Annotated[
    bool, typer.Option(help="The platform also trains an encoder alone, for the recommender it must beat.")
]
_USE = "How the received encoder may be used"
Methods = Annotated[
    str,
    typer.Option(
        "--methods",
        help="With commas: feature (as it came), model (tuned here), knowledge (it teaches a smaller one). The last "
        "two are trained here, which takes as long again.",
        rich_help_panel=_USE,
    ),
]
TeacherOf = Annotated[
    str,
    typer.Option("--teacher", help="Under knowledge: encoder (the tuned one) or stack.", rich_help_panel=_USE),
]
Aligned = Annotated[
    str,
    typer.Option(
        "--alignment",
        help="While tuning: off, probe:WEIGHT, coral:WEIGHT or gate, all three compete.",
        rich_help_panel=_USE,
    ),
]
Adapters = Annotated[
    str,
    typer.Option("--adapters", help="none, or lora:RANK: model trains low-rank adapters alone.", rich_help_panel=_USE),
]
MomentsWeight = Annotated[
    float,
    typer.Option(
        help="How often an own pair counts when model moves the encoder's linear part; 0: it stays.",
        rich_help_panel=_USE,
    ),
]

PlatformOrAgent = Annotated[
    str, typer.Argument(metavar="DIR[,option=value...]", help=f"An agent's folder, or {FOLDER_HELP}")
]


def add_recommend_commands(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.command()(fit)
    app.command()(evaluate)
    app.command()(recommend)
    app.command()(serve)
    app.add_typer(callers, name="token")


def fit(
    folder: PlatformOrAgent,
    encoder: Annotated[Path, typer.Option("--encoder", metavar="FILE", help="The encoder file that was received.")],
    heads: Heads = None,
    features: Annotated[str, typer.Option(help=f"Feature space: {FEATURE_SPACES}.")] = "hashing",
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0,
    min_user_events: Annotated[int, typer.Option(help="Users with fewer events are left out.")] = 3,
    min_item_events: Annotated[int, typer.Option(help="Items with fewer events are left out.")] = 1,
    took_part: TookPart = False,
    own: OwnEncoder = True,
    methods: Methods = "feature",
    teacher: TeacherOf = "encoder",
    alignment: Aligned = "off",
    adapters: Adapters = "none",
    moments_weight: MomentsWeight = 0.0,
    vault_key: VaultKey = "",
) -> None:
    """Fit a recommender with a received encoder, decide whether the encoder is served, and store it.

    The encoder that the heads serve until now competes too; what is above local beyond noise, and best, is served.
    What callers reported to a service of the same heads is fitted on, too.
    Of an agent's folder, its settings say what the data are and how they are prepared, its vault keeps the heads, and
    its ledger tells whether the platform helped to train encoders.
    Stored is all that a list is computed from, texts and users' histories too: keep DIR as private as the data, or make
    it a vault (`graft-client vault make`) and say where its key is.
    """
    from client.cli.fit import agents_fitting, is_agent, platform_fitting, with_contenders
    from client.fitting.served_fit import fit_recommender

    if is_agent(Path(folder)):
        _refuse_what_the_agent_says()
        chosen = agents_fitting(Path(folder))
        place, key = heads_and_key(Path(folder), heads, vault_key)
    else:
        chosen = platform_fitting(folder, features, seed, min_user_events, min_item_events, took_part=took_part)
        place, key = heads_and_key(None, heads, vault_key)
    chosen = with_contenders(
        chosen,
        own=own,
        methods=methods,
        teacher=teacher,
        alignment=alignment,
        adapters=adapters,
        moments_weight=moments_weight,
    )
    private = open_private_folder(place, key)
    reports = ReportedEvents(entries=private.reported())
    verdict = fit_recommender(chosen.data, encoder, private.heads, chosen.settings, reports)
    typer.echo(f"{place}: serves {verdict.served}; {verdict.reason}")


def evaluate(
    folder: PlatformOrAgent,
    encoder: Annotated[Path, typer.Option("--encoder", metavar="FILE", help="The encoder file that was received.")],
    features: Annotated[str, typer.Option(help=f"Feature space: {FEATURE_SPACES}.")] = "hashing",
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0,
    min_user_events: Annotated[int, typer.Option(help="Users with fewer events are left out.")] = 3,
    min_item_events: Annotated[int, typer.Option(help="Items with fewer events are left out.")] = 1,
    took_part: TookPart = False,
    own: OwnEncoder = True,
    methods: Methods = "feature",
    teacher: TeacherOf = "encoder",
    alignment: Aligned = "off",
    adapters: Adapters = "none",
    moments_weight: MomentsWeight = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    vault_key: VaultKey = "",
) -> None:
    """Say how good what `fit` would serve is: every user's last event, which nothing was fitted on, ranked among all
    items by each method.

    Fits as `fit` does and stores nothing; an agent's folder brings its settings, and what callers reported.
    """
    from client.cli.evaluate import show
    from client.cli.fit import agents_fitting, is_agent, platform_fitting, with_contenders
    from client.fitting.served_evaluation import evaluate_fit
    from client.fitting.served_fit import open_fit

    reports = heads = None
    if is_agent(Path(folder)):
        _refuse_what_the_agent_says()
        chosen = agents_fitting(Path(folder))
        place, key = heads_and_key(Path(folder), None, vault_key)
        private = open_private_folder(place, key)
        reports, heads = ReportedEvents(entries=private.reported()), private.heads
    else:
        chosen = platform_fitting(folder, features, seed, min_user_events, min_item_events, took_part=took_part)
    chosen = with_contenders(
        chosen,
        own=own,
        methods=methods,
        teacher=teacher,
        alignment=alignment,
        adapters=adapters,
        moments_weight=moments_weight,
    )
    opened = open_fit(chosen.data, encoder, chosen.settings, reports, heads)
    show(evaluate_fit(opened.fit), as_json=as_json)


def recommend(
    user: Annotated[str, typer.Option("--user", metavar="ID", help="Whom to recommend to.")],
    folder: AgentFolder = None,
    heads: Heads = None,
    k: Annotated[int, typer.Option(min=1, max=1000, help="How many items.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
    vault_key: VaultKey = "",
) -> None:
    """Recommend to a user: items, scores, the scorers and the items of the history that weighed most."""
    from client.cli.recommend import answer
    from client.recommender.recommender import open_recommender

    place, key = heads_and_key(folder, heads, vault_key)
    answer(open_recommender(open_heads(place, key)), user, k, as_json=as_json)


def _refuse_what_the_agent_says() -> None:
    """Raises ConfigError for an option that an agent's settings answer already."""
    context = click.get_current_context()
    for name in ("heads", "features", "seed", "min_user_events", "min_item_events", "took_part"):
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            raise ConfigError(f"--{option} is not for an agent's folder: its settings, vault and ledger say that")
