"""Starts the command line, as `sna` and as `python -m sna`; stops quietly even while it is still loading."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from sna.cli import main as run
    except KeyboardInterrupt:
        sys.stderr.write("sna: stopped\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
