"""A run from its config to its end: platforms, encoders, tasks, workers, what is kept for ``--resume``."""
