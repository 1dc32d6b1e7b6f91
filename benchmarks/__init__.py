"""Scripts that time or compare; each prints a table."""
