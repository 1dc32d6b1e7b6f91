"""How many of a roster must agree before a sum is opened: more than two thirds."""


def quorum(parties: int) -> int:
    """The least number that is more than two thirds of a roster.

    Two different sets that so many signed have more than a third of the roster's signatures in common, so that as many
    would have to sign twice (Bonawitz et al. 2017, section 6.2: 2 t > n + colluding parties).
    """
    return 2 * parties // 3 + 1


def most_missing(parties: int) -> int:
    """How many of a roster may drop out."""
    return parties - quorum(parties)
