"""Feed hostile files and texts to everything that reads one, and count what comes of it.

    python3 tests/fuzz.py --cases 10000

Good masks and profiles are spoilt in one to three ways each (``tests/fuzzing``). A reader may
give a value or one FIAFileError; the run ends at the first case of anything else: another error,
another file opened, a pickle read, code run, more than 2 s of the processor, or more than 512 MiB
beyond what the process took at the start. The short form of it is ``tests/core/test_fuzz.py``.
"""

import argparse
import faulthandler
import re
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

MORE_MEMORY = 512 * 2**20  # bytes beyond the start; a larger allocation fails, and with it the run
VALUE = "a value"
HANG = 300  # seconds after which Python's stack is shown and the run ends


def fuzz(cases: int, first_seed: int) -> None:
    """Run ``cases`` cases, as many for each reader, and print a line for each."""
    from fuzzing.readers import READERS, good_files

    with TemporaryDirectory() as scratch:
        good = good_files(Path(scratch))
        limit_memory()
        at_start = peak_memory()
        print("| read | cases | gave a value | refused | distinct refusals | slowest |")
        print("| --- | --- | --- | --- | --- | --- |")
        start, total = time.perf_counter(), 0
        for title in READERS:
            outcomes, slowest = fuzz_reader(title, good, Path(scratch), cases, first_seed)
            count, values = outcomes.total(), outcomes.pop(VALUE, 0)
            total += count
            line = [title, count, values, count - values, len(outcomes), f"{slowest:.2f} s"]
            print(f"| {' | '.join(map(str, line))} |", flush=True)
        seconds = time.perf_counter() - start
    print(
        f"\n{total} cases in {seconds:.0f} s; "
        f"peak memory {peak_memory():.0f} MiB, {at_start:.0f} MiB before the first case"
    )


def fuzz_reader(
    title: str, good: dict[str, tuple[bytes, ...]], scratch: Path, cases: int, first_seed: int
) -> tuple[Counter[str], float]:
    """How often each outcome came, and the seconds of the slowest case.

    Raises:
        Exception: at the first case with an outcome that is not allowed; hypothesis shows it.
    """
    from hypothesis import Phase, given, seed, settings

    from fuzzing.files import ANY_SIZE, hostile
    from fuzzing.guard import Guard
    from fuzzing.readers import READERS, refusal

    guard = Guard()
    file, mark = scratch / "case.safetensors", scratch / "pickle-was-run"
    outcomes: Counter[str] = Counter()

    @seed(first_seed)
    @settings(
        max_examples=-(-cases // len(READERS)),
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=ANY_SIZE,
    )
    @given(data=hostile(title, good, mark))
    def every_case(data: bytes) -> None:
        faulthandler.dump_traceback_later(HANG, exit=True)
        file.write_bytes(data)
        outcomes[kind(refusal(READERS[title], file, guard))] += 1
        assert not mark.exists(), "a pickle was run"

    every_case()
    faulthandler.cancel_dump_traceback_later()
    return outcomes, guard.slowest


def kind(words: str | None) -> str:
    """A refusal less what is the case's own: names, numbers and values."""
    if words is None:
        return VALUE
    reason = words.split("(", 1)[-1]
    reason = re.sub(r"'[^']*'|\[.*\]|\{.*\}|\"[^\"]*\"", "…", reason, flags=re.DOTALL)
    return re.sub(r"-?[\d,]*\d(\.\d+)?", "0", reason)[:120]


def peak_memory() -> float:
    """Most MiB that the process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def limit_memory() -> None:
    """Let the process have no more than ``MORE_MEMORY`` beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + MORE_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="other cases")
    arguments = parser.parse_args()
    run_in_environment(Path(__file__).resolve(), tests=True)
    fuzz(arguments.cases, arguments.seed)


if __name__ == "__main__":
    main()
