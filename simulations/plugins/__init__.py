"""Scorers and aggregations from a researcher's file: loaded, tried and guarded."""
