"""Shares as the user sees them: a float becomes the exact decimal that a dialog shows.

A slider's 0.6000000000000001 means 0.6. Every count of the method (``int(r * n)``,
``ceil(alpha * C)``) is taken from the exact rational of that decimal, so no product can fall one
short or one over.
"""

from decimal import Decimal, InvalidOperation
from fractions import Fraction

SIGNIFICANT_DIGITS = 12


def decimal_share(name: str, value: float) -> Fraction:
    """The exact rational of ``value``'s decimal, read to 12 significant digits.

    Args:
        name: the argument that ``value`` came in, for the error.
        value: a fraction in (0, 1], not percent.

    Raises:
        ValueError: ``value`` is no number in (0, 1].
    """
    try:
        share = Fraction(f"{Decimal(str(value)):.{SIGNIFICANT_DIGITS}g}")
    except (InvalidOperation, ValueError):
        share = Fraction(0)
    if not 0 < share <= 1:
        raise ValueError(
            f"{name}: is {value!r}; give a fraction above 0 and at most 1 (5 % is 0.05)."
        )
    return share


def share_count(share: Fraction, total: int) -> int:
    """How many entries ``share`` of ``total`` is: ``max(1, int(share * total))``."""
    return max(1, int(share * total))
