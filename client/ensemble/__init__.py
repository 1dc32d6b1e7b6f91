"""Scorers joined: calibration to log-lifts, the panel, weights, cross-fitting, the choice among candidates."""
