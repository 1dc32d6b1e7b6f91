"""How an item becomes a vector, and how two sides know that they mean the same."""
