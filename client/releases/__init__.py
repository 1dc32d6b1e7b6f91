"""Releases as a platform takes them: where they come from, what is checked, how one is installed and taken back."""
