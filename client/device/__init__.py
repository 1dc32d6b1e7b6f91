"""A device: one user, the platform's catalogue pack, and lists without a server; numpy alone, no torch."""
