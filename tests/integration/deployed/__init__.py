"""A federation as its users run it: the commands, and real processes on loopback."""
