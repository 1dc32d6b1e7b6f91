"""A synthetic world of related platforms whose true next-item probabilities are known."""
