"""Full-ranking metrics that cannot be fooled."""
