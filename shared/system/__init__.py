"""Files, processes, logs and settings: what every program needs of the machine it runs on."""
