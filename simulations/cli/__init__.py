"""The commands of ``graft-sim``: one file a command; what it works with is imported when it is called."""
