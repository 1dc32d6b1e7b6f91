"""The one door between the network and the engine: fleet paths and health, nothing else."""
