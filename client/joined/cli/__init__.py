"""The commands of ``graft-device`` that are about rounds, one file each, and the program."""
