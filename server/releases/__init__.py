"""Releases on the coordinator: the repository that platforms fetch from, its keys, and the gate before it."""
