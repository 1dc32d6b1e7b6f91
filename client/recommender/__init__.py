"""Scorers calibrated to log-likelihood ratios, stacked, and kept in a head."""
