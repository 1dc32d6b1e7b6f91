"""A site policy under which a platform answers without noise, for tests of what rounds do then."""

from pathlib import Path

PLAIN = 'privacy = "plain"\n'


def plain_policy(folder: Path, further: str = "") -> str:
    """The path of a policy file in ``folder``, with these lines beside."""
    file = folder / "plain-policy.toml"
    file.write_text(PLAIN + further)
    return str(file)
