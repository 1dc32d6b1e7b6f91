"""Runs on one machine, as functions for Python programs: the commands of ``graft-sim`` call the same ones."""
