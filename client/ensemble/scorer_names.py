"""What people are told of a scorer's column, in a report and beside a list: in words, not by its key."""


def _words(lines: str) -> dict[str, str]:
    """Key to words, of lines ``key = words``."""
    return dict(line.split(" = ", 1) for line in lines.strip().splitlines())


COMPUTED = _words("""
popularity = popularity
popularity@neighbours = popularity of similar texts
content-knn = similar texts
content-kernel = similar texts, sharply
content-idf = shared rare words
item-knn = same users
transition = what follows
transition_long = what follows later
diffusion = walk between items
diffusion-out = walk from the history
diffusion-in = walk to the item
ease = EASE
age = new items
repeat = met again
repeat_counts = met again
recent = popular lately
trend = rising
shown = shown often
basket = what goes with a basket
basket-content = basket: similar texts
basket-pairs = basket: pairs
basket-knn = basket: same baskets
""")
"""Key of a column, or its part before ``@``, in words."""
ENCODERS = _words("""
own = own encoder
own-ids = own encoder with ids
received = received encoder
tuned = received encoder, tuned here
released = received encoder as released
student = student of the received encoder
previous = encoder served before
federated = federated encoder
federated-tuned = federated encoder, tuned here
pooled = pooled encoder
""")
"""Part of a key before ``:``, in words."""
LAST, ALL = "0", "1"


def readable(column: str) -> str:
    """A column's key, or a scorer's, in words; one that is not known, as of a plugin, stays as it is.

    Args:
        column: such as ``content-knn@0.6``, ``recent@30d``, ``own:sequence`` or ``repeat_counts``.
    """
    for name in (column, column.replace("_", "-")):
        if name in COMPUTED:
            return COMPUTED[name]
    encoder, colon, part = column.partition(":")
    if colon and encoder in ENCODERS:
        return f"{ENCODERS[encoder]}: {part}"
    scorer, _, detail = column.partition("@")
    if scorer not in COMPUTED:
        return column
    return f"{COMPUTED[scorer]}, {_in_words(detail)}"


def _in_words(detail: str) -> str:
    """The weight of an event beside the one after it, or a span of time."""
    if detail in (LAST, ALL):
        return "last item" if detail == LAST else "all items alike"
    try:
        return f"latest first ({float(detail):g})"
    except ValueError:
        return detail.replace("/", " against ").replace("d", " days")
