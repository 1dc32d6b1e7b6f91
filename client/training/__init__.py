"""Moments, losses and loops that train the encoder and the head."""
