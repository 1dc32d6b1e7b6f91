"""The commands of ``graft-server``: one file a command."""
