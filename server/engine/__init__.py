"""Flower's engine as the coordinator runs it: its processes, its commands, and nothing of a round."""
