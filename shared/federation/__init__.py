"""What both sides of a round agree on: messages, their records, the forms of an update, config, the bundle."""
