"""The commands of ``graft-client``: one file a command, which reads its arguments and prints its answer."""
