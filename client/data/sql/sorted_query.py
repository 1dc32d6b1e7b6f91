"""Whether a query sorts its rows itself: its order is then the source's, and is kept."""

import re

_NO_SYNTAX = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", re.DOTALL)
_INNERMOST = re.compile(r"\([^()]*\)")
_SORTS = re.compile(r"\border\s+by\b", re.IGNORECASE)


def sorts(query: str) -> bool:
    """Whether ORDER BY stands in it outside of brackets, texts and comments."""
    outside, brackets = _NO_SYNTAX.sub(" ", query), 1
    while brackets:
        outside, brackets = _INNERMOST.subn(" ", outside)
    return bool(_SORTS.search(outside))
