"""What a run found out: records, the recorder, ``result.json``."""
