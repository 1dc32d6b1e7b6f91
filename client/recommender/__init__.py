"""Scorers calibrated to log-lifts, stacked, and kept in a head."""
