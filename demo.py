"""See a real ComfyUI forget concepts and keep the rest.

    python3 demo.py                              forget a church and a golf ball; then, on a model
                                                 that nobody built to forget, a garbage truck
    python3 demo.py --forget "cat, gas pump"     forget something else
    python3 demo.py --serve                      open the workflow in the browser instead

Needs Python 3.10 or newer and, the first time, the network to PyPI. Everything is installed into
``.environment/`` beside this file.
"""

import argparse
import asyncio
from pathlib import Path

from workbench.environment import run_in_environment

ROOT = Path(__file__).resolve().parent


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--forget", default="church, golf ball", help="objects, comma between them")
    parser.add_argument("--strength", type=float, help="0 to 2; the workflow's by default")
    parser.add_argument("--seeds", type=int, default=1, help="pictures of a prompt (default 1)")
    parser.add_argument("--serve", action="store_true", help="leave ComfyUI running")
    parser.add_argument("--port", type=int, default=8188, help="for --serve (default 8188)")
    parser.add_argument("--out", type=Path, default=ROOT / "results", help="folder for the results")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    run_in_environment(Path(__file__).resolve())

    from workbench.client import ServerError, WorkflowError
    from workbench.demonstration import DemonstrationError, demonstrate, serve
    from workbench.server import end_on_signals

    end_on_signals()
    try:
        if arguments.serve:
            asyncio.run(serve(arguments.port))
        else:
            asyncio.run(
                demonstrate(arguments.forget, arguments.strength, arguments.seeds, arguments.out)
            )
    except (DemonstrationError, ServerError, WorkflowError) as error:
        raise SystemExit(f"\n{error}") from None
    except KeyboardInterrupt:
        raise SystemExit("\nStopped.") from None


if __name__ == "__main__":
    main()
