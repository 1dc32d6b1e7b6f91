"""``graft-client export``: what a platform serves as a bundle that other runtimes list from."""

from pathlib import Path
from typing import Annotated

import typer

from client.cli.arguments import AgentOrNone, Heads, VaultKey
from shared.system.answer import AsJson, tell


def export(
    out: Annotated[Path, typer.Option("--out", metavar="BUNDLE", help="The folder that is made.")],
    folder: AgentOrNone = None,
    heads: Heads = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="onnx|torch-export|vectors",
            help="A graph for onnxruntime, a program for torch.export.load, or the encoder's item vectors for a store "
            "of vectors.",
        ),
    ] = "onnx",
    quantize: Annotated[
        str,
        typer.Option("--quantize", metavar="int8", help="With onnx: eight bits a number. Default: whole precision."),
    ] = "",
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="parquet|pgvector|qdrant", help="With vectors: what they are written for. Default: none."
        ),
    ] = "",
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="The licence that the manifest names. Default: none.")
    ] = "",
    vault_key: VaultKey = "",
    as_json: AsJson = False,
) -> None:
    """Export what the platform serves for its own servers: encoder, item index, counts, calibrations, weights.

    Nothing is thinned, so counts of few users are in it: keep a bundle as private as the heads. Users, their ids and
    histories are not in it; who lists gives a history of item ids. examples/exported/reader.py lists from the onnx
    bundle with numpy and onnxruntime alone.
    """
    from client.api.exports import ExportOptions, make_bundle

    options = ExportOptions(form=form, quantize=quantize, store=to, licence=licence)
    bundle = make_bundle(folder, heads, out, options, vault_key=vault_key)
    document = {"bundle": str(out), "items": bundle.items, "bytes": bundle.size, "manifest": bundle.digest}
    sentence = f"{out}: {bundle.items:,} items, {bundle.size:,} bytes\nmanifest: {bundle.digest}"
    tell(document, sentence, as_json=as_json)
