"""The commands of ``graft-sim``."""
