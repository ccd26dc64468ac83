"""The rows, in the order of the report: where each is measured, and in which environment."""

NAMES = {
    "profile": "denoiser_rows.profiling",
    "ten-concepts": "denoiser_rows.ten_concepts",
    "procedure": "denoiser_rows.procedure",
    "statistics": "core_rows.statistics",
    "selection": "core_rows.selection",
    "change": "denoiser_rows.change",
    "fusion": "core_rows.fusion",
    "masked": "denoiser_rows.masked",
    "memory-sd15": "memory_rows.sd15_memory",
    "memory-sdxl": "memory_rows.sdxl_memory",
    "memory-in-use-sd15": "memory_rows.sd15_memory_in_use",
    "memory-in-use-sdxl": "memory_rows.sdxl_memory_in_use",
    "memory-in-use-fusion": "core_rows.fusion_memory_in_use",
    "files": "file_rows.files",
}
"""Name → module and function, (Bench) → figures; importable once the host is loaded."""

RETURNED = {"MALLOC_MMAP_THRESHOLD_": str(4 << 20)}
"""Environment in which glibc returns a freed matrix at once; else it keeps most as gaps between
others, which a process on a CPU holds, and which no counter of a GPU's memory would count."""

ENVIRONMENTS = {name: RETURNED for name in NAMES if name.startswith("memory-in-use")}
"""The environment that a row's process needs."""
