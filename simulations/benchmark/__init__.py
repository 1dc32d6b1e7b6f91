"""The transfer benchmark: a fixed grid of real pairs, labelled by class, run cell by cell."""
