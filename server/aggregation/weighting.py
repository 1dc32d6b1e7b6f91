"""How much each platform's update counts in a round."""

import math
from collections.abc import Callable

from shared.config import Weighting

WEIGHTINGS: dict[Weighting, Callable[[int], float]] = {
    "uniform": lambda _users: 1.0,
    "sqrt-users": lambda users: math.sqrt(max(users, 1)),
}
"""Training users, rounded to a power of two, to a weight that need not sum to 1."""
