"""A platform's part of a federated round: its opened data, its tasks, its staged heads."""
