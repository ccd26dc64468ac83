"""Names of the rows, in the order of the report."""

NAMES = (
    "profile",
    "ten-concepts",
    "procedure",
    "statistics",
    "selection",
    "change",
    "fusion",
    "masked",
    "memory-sd15",
    "memory-sdxl",
    "memory-in-use-sd15",
    "memory-in-use-sdxl",
    "memory-in-use-fusion",
    "files",
    "growth",
)

RETURNED = {"MALLOC_MMAP_THRESHOLD_": str(4 << 20)}
"""Environment in which glibc returns a freed matrix at once; else it keeps most as gaps between
others, which a process on a CPU holds, and which no counter of a GPU's memory would count."""

ENVIRONMENTS = {
    name: RETURNED for name in NAMES if name == "growth" or name.startswith("memory-in-use")
}
"""What a row's process needs in its environment."""
