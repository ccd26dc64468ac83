"""All rows by name, in the order of the report; importable once the host is loaded."""

from collections.abc import Callable

from .bench import Bench
from .core_rows import fusion, fusion_memory_in_use, selection, statistics
from .denoiser_rows import change, masked, procedure, profiling, ten_concepts
from .figures import Figure
from .file_rows import files
from .growth import growth
from .memory_rows import sd15_memory, sd15_memory_in_use, sdxl_memory, sdxl_memory_in_use
from .names import NAMES

ROWS: dict[str, Callable[[Bench], list[Figure]]] = dict(
    zip(
        NAMES,
        (
            profiling,
            ten_concepts,
            procedure,
            statistics,
            selection,
            change,
            fusion,
            masked,
            sd15_memory,
            sdxl_memory,
            sd15_memory_in_use,
            sdxl_memory_in_use,
            fusion_memory_in_use,
            files,
            growth,
        ),
        strict=True,
    )
)
