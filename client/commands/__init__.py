"""What the commands of ``graft-client`` do, apart from reading their arguments."""
