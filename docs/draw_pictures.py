"""Draw the documentation's pictures of the bundled model again, after its weights have changed.

    python3 docs/draw_pictures.py                     all, in some minutes
    python3 docs/draw_pictures.py FIACompareErasure   some, by their files' names

Also makes the mask again that the template save_load_embed_mask carries. The part that photographs
the page needs Chromium.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402


async def draw(names: list[str]) -> None:
    from workbench.pictures import BASE, RENEWED
    from workbench.server import running_server

    async with running_server(base=BASE) as server:
        for file, make in RENEWED.items():
            if not names or file.stem in names:
                start = time.monotonic()
                await make(server, file)
                print(f"{file.relative_to(ROOT)}: {time.monotonic() - start:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="file names without their ending; all by default")
    names = parser.parse_args().names
    run_in_environment(Path(__file__).resolve(), tests=True)

    asyncio.run(draw(names))


if __name__ == "__main__":
    main()
