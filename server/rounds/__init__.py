"""The round loop and what it stands on: asking, screening, what platforms hold, checkpoints."""
