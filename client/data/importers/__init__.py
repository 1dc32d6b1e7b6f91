"""One file per original format; each writes a platform folder."""
