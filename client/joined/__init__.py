"""A device in rounds: what it needs beside its pack to take part, and when it does."""
