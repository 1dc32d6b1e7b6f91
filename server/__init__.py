"""The coordinator: rounds and aggregation; no code here reads a platform's data."""
