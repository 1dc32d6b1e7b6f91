"""The commands of ``graft-device``, one file each."""
