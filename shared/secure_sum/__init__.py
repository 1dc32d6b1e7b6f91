"""Secure aggregation as a pure state machine: a coordinator learns the sum of vectors, and nothing else of them."""
