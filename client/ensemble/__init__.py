"""Scorers joined: calibration to log-likelihood ratios, the ensemble, weights, cross-fitting, the choice of one."""
