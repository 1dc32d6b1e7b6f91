"""What a run does: its checked options, from flags and from a file."""
