"""The smallest feature space of hashed texts, for tests to which its size is nothing."""

from client.features.hashing import LEAST_DIM, hashing_space

FEATURES = f"hashing:{LEAST_DIM}"
SPACE = hashing_space(LEAST_DIM)
