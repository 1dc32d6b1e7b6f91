"""The commands of ``graft-client``: one file a command; what it works with is imported when it is called."""
