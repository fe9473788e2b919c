"""`python3 -m infra.local`: the whole service on this machine, a sample capture, and what became of it.

Makes its own environment first; then starts everything, tells the story and serves until Ctrl-C.
"""

import argparse
import sys
from pathlib import Path

from infra.local.environment import run_inside

DEFAULT_PORT = 7071


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m infra.local", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, help=f"the app's port (default {DEFAULT_PORT}; 0 takes any free one)")
    parser.add_argument("--data", type=Path, help="keep everything in this folder (default: in memory)")
    parser.add_argument("--no-sample", action="store_true", help="set up the demonstration, but post no capture")
    parser.add_argument("--once", action="store_true", help="tell the story and stop; non-zero when anything failed")
    parser.add_argument("--json", action="store_true", help="one JSON line with all addresses on stdout when ready")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    run_inside("local", Path(__file__).with_name("requirements.txt"))
    from infra.local.run import run  # noqa: PLC0415  # needs the environment

    return run(
        port=arguments.port,
        default_port=DEFAULT_PORT,
        data=arguments.data,
        sample=not arguments.no_sample,
        once=arguments.once,
        as_json=arguments.json,
    )


if __name__ == "__main__":
    sys.exit(main())
