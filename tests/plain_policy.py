"""Site policies for tests: first of all one under which a platform answers without noise."""

from pathlib import Path

PLAIN = 'privacy = "plain"\n'


def policy_file(folder: Path, privacy: str, further: str = "") -> str:
    """The path of a policy file of this mode in ``folder``, with these lines beside."""
    file = folder / f"{privacy}-policy.toml"
    file.write_text(f'privacy = "{privacy}"\n{further}')
    return str(file)


def plain_policy(folder: Path, further: str = "") -> str:
    """The same of the mode ``plain``."""
    return policy_file(folder, "plain", further)
