"""What a platform does, as functions for Python programs: the commands of ``graft-client`` call the same ones."""
