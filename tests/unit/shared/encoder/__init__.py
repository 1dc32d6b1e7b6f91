"""Tests of the shared encoder."""
