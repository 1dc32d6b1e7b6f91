"""From item text or given vectors to the feature space's vectors."""
