"""How a platform keeps its promise to its users: the noise that it draws, and what it has spent."""
