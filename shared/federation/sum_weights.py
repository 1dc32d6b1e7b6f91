"""How much platforms weigh in a secure sum: none may weigh so much that the sum is next to its own vector.

A coordinator that gave the others a weight near 0 would read one platform's vector in the sum. So a platform asks that
the others together weigh at least (K − 1) / 2 times as much as it does, K the least number of platforms of its policy:
half of what K platforms alike give. Since a coordinator may say that others dropped out, up to a third of those asked,
the lightest count.
"""

from collections.abc import Mapping

from shared.secure_sum.quorum import quorum

_SLACK = 1e-9
"""for what rounding does to a weight"""


def is_outweighed(party: str, weights: Mapping[str, float], least_parties: int) -> bool:
    """Whether in each sum of these parties that may be opened the others weigh enough beside one of them.

    Args:
        party: name of the one.
        weights: how much each party counts, by name; that of ``party`` is among them.
        least_parties: K, the least number of platforms of the party's policy.

    Returns:
        Whether they do.
    """
    others = sorted(weight for name, weight in weights.items() if name != party)
    among = sum(others[: quorum(len(weights)) - 1])
    return among >= (least_parties - 1) / 2 * weights[party] * (1 - _SLACK)


def capped(weights: Mapping[str, float], least_parties: int) -> dict[str, float]:
    """The weights, the largest halved until each party is outweighed; powers of two stay such.

    Args:
        weights: how much each party counts, by name, above 0.
        least_parties: K, the least number of platforms of the parties' policies.

    Returns:
        The new weights, by name; none is larger than before.

    Raises:
        ValueError: if the parties are too few for that, however alike their weights are.
    """
    most = max(weights.values())
    while True:
        capped_weights = {name: min(weight, most) for name, weight in weights.items()}
        heaviest = max(capped_weights, key=capped_weights.__getitem__)
        if is_outweighed(heaviest, capped_weights, least_parties):
            return capped_weights
        if most < min(weights.values()):
            raise ValueError(f"expected at least {least_parties} parties; got {len(weights)}")
        most /= 2
