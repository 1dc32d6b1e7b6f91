"""A platform fitted: the one pipeline that runs, ``fit``, ``evaluate`` and ``assess`` share."""
