"""A coordinator's folder: settings, certificates, enrolled platforms, the book of runs, its metrics."""
