"""Encrypted storage on the platform, and the plain files that stand in its place in experiments."""
