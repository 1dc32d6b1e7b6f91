"""Many devices in one process: who is there, when, and how fast."""
