"""A map from our column names to those of a caller's frames, proposed as ``import csv`` proposes it for files."""

import logging

import polars as pl

from client.api.frame_tables import EVENTS, ITEMS
from client.data.importers.csv_settings import CsvMap
from client.data.importers.found_tables import spaced
from client.data.importers.proposal import Proposal, proposal_of
from client.data.importers.typed_table import as_text_table
from shared.errors import DataError

_LOG = logging.getLogger("graft.client")


def with_proposed_map(
    events: pl.DataFrame, items: pl.DataFrame | None, settings: CsvMap
) -> tuple[CsvMap, tuple[str, ...]]:
    """The settings with the map that names and values of the columns propose; ours where all are there, or a map is.

    Args:
        events: the caller's events.
        items: the caller's items; None: the events describe them.
        settings: what the caller said.

    Returns:
        the settings, and a note that says what was proposed.

    Raises:
        DataError: if a column that is needed can be none, or one of several; it says the map to complete.
    """
    if settings.columns:
        return settings, ()
    described = None if items is None else as_text_table(ITEMS, spaced(items))
    proposal = proposal_of(as_text_table(EVENTS, spaced(events)), described, settings)
    if proposal is None:
        return settings, ()
    if proposal.open:
        second = "; a second frame may describe the items: items" if proposal.second_table else ""
        no_time = "; where there are no times: no_time=True" if "timestamp" in proposal.open else ""
        raise DataError(f"{proposal.problem} (complete this: {_arguments(proposal)}{no_time}{second})")
    written = _arguments(proposal)
    if not written:
        return proposal.applied(settings), ()
    _LOG.warning("columns are read as %s", written)
    return proposal.applied(settings), (f"columns are read as {written}",)


def _arguments(proposal: Proposal) -> str:
    """What a caller would write to say it."""
    said = {"map": proposal.pairs, "time_format": proposal.time_format, "decimal": proposal.decimal}
    return ", ".join(f"{name}={value!r}" for name, value in said.items() if value)
