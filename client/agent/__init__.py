"""The agent: a platform's own folder and the processes that it keeps running."""
