"""How many files and connections a process may have open."""

import resource


def many_open_files() -> None:
    """Let this process open as many files and connections as the system allows it, and not a thousand."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
