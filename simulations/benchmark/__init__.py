"""The transfer benchmark: a fixed grid of real pairs, labelled by relatedness, run cell by cell."""
