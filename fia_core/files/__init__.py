"""Files, embedded text and packed bits, read with care."""
