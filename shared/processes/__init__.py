"""Keeping programs running: what a coordinator and an agent have in common."""
