"""The programs, once it is sure that the packages they are made of are Graft's own."""

import sys
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("server", "client", "shared", "simulations")
_OWN = Path(__file__).resolve().parents[1]
_USAGE_ERROR = 2


def client() -> None:
    """``graft-client``."""
    require_own_packages("graft-client")
    from client.cli.main import main

    main()


def server() -> None:
    """``graft-server``."""
    require_own_packages("graft-server")
    from server.cli.main import main

    main()


def device() -> None:
    """``graft-device``."""
    require_own_packages("graft-device")
    from client.joined.cli.main import main

    main()


def sim() -> None:
    """``graft-sim``."""
    require_own_packages("graft-sim")
    from simulations.cli.main import main

    main()


def require_own_packages(program: str) -> None:
    """End with one sentence and exit code 2 where a package of another project has the name of one of ours.

    Args:
        program: whose sentence it is.
    """
    if foreign := foreign_package():
        sys.stderr.write(f"{program}: {foreign}\n")
        sys.exit(_USAGE_ERROR)


def foreign_package() -> str:
    """Which package is not Graft's and where it lies, in one sentence; empty where all are."""
    for name in PACKAGES:
        spec = find_spec(name)
        places = [] if spec is None else list(spec.submodule_search_locations or [spec.origin or "a built-in module"])
        if _OWN / name not in {Path(place).resolve() for place in places}:
            location = places[0] if places else "nothing"
            return (
                f"expected Graft's own package {name!r} at {_OWN / name}, found {location}: take that folder off "
                "PYTHONPATH, or start elsewhere"
            )
    return ""
