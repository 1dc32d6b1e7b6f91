"""What answers callers while the platform runs: requests, feedback, new items, and who may ask."""
