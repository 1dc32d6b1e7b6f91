"""Rounds in one process, by the same two apps as a deployed run."""
