"""What each command of the coordinator does."""
