"""How many statements product code has: ``python -m benchmarks.statements [CHECKOUT ...]``, one line a checkout.

Comments, blank lines and docstrings are none; generated code is left out.
"""

import argparse
import ast
from pathlib import Path

PACKAGES = ("server", "client", "shared", "simulations")
GENERATED = "_pb2"


def statements(source: str) -> int:
    """Statements of a module, those within others too, without texts that stand alone."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt))
    return sum(not _is_text(node) for node in nodes)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def count(checkout: Path) -> dict[str, int]:
    """Package to its statements."""
    return {
        package: sum(
            statements(path.read_text("utf-8"))
            for path in (checkout / package).rglob("*.py")
            if GENERATED not in path.name
        )
        for package in PACKAGES
    }


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkouts", nargs="*", type=Path, default=[Path()], help="Folders of checkouts; here if none.")
    for checkout in parser.parse_args().checkouts:
        counts = count(checkout)
        print(f"{checkout}: {sum(counts.values()):,} statements {counts}")


if __name__ == "__main__":
    main()
