"""From platforms' replies to the next encoder."""
