"""The platforms of a run: where they come from, and each one opened."""
