"""Settings of the method that the rows share, as the nodes have them; fractions."""

CONCEPTS = (
    "church",
    "golf ball",
    "parachute",
    "gas pump",
    "garbage truck",
    "cassette player",
    "tench",
    "English springer",
    "French horn",
    "chain saw",
)
TEMPORAL_SPARSITY = 0.05
SPATIAL_SPARSITY = 0.01
AGNOSTIC_RATIO = 0.6
SCHEDULE = 50  # steps of the whole schedule
