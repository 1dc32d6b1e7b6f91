"""The commands of ``graft-server``: one file a command; what it works with is imported when it is called."""
