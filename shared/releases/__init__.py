"""Releases: what is signed of an encoder that platforms may install, and how each part of it is checked."""
