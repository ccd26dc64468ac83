"""The rows, and the settings of the method that they share, as the nodes have them; fractions."""

ROWS = {
    "profile": "denoiser_rows.profiling",
    "ten-concepts": "denoiser_rows.ten_concepts",
    "procedure": "denoiser_rows.procedure",
    "statistics": "core_rows.statistics",
    "selection": "core_rows.selection",
    "change": "denoiser_rows.change",
    "fusion": "core_rows.fusion",
    "masked": "denoiser_rows.masked",
    "memory-sd15": "memory_rows.sd15_held",
    "memory-sdxl": "memory_rows.sdxl_held",
    "memory-in-use-sd15": "memory_rows.sd15_in_use",
    "memory-in-use-sdxl": "memory_rows.sdxl_in_use",
    "memory-in-use-fusion": "core_rows.fusion_memory_in_use",
    "files": "file_rows.files",
}
"""Name → module and function, (Bench) → figures, in the order of the report; importable once the
host is loaded."""

RETURNED = {"MALLOC_MMAP_THRESHOLD_": str(4 << 20)}
"""Environment in which glibc returns a freed matrix at once; else it keeps most as gaps between
others, which a process on a CPU holds, and which no counter of a GPU's memory would count."""

CONCEPTS = (
    *("church", "golf ball", "parachute", "gas pump", "garbage truck"),
    *("cassette player", "tench", "English springer", "French horn", "chain saw"),
)
TEMPORAL_SPARSITY = 0.05
SPATIAL_SPARSITY = 0.01
AGNOSTIC_RATIO = 0.6
SCHEDULE = 50  # steps of the whole schedule


def environment(row: str) -> dict[str, str]:
    """What a row's process needs."""
    return RETURNED if row.startswith("memory-in-use") else {}
