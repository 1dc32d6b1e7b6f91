"""Private scorers of a catalogue given a history, one file each."""
