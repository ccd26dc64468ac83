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
    "files",
    "growth",
)
