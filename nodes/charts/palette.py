"""Colours that people with any colour vision can tell apart, on a ground as dark as the page's.

Classes: Okabe and Ito, "Color Universal Design" (2008). Shares: nine samples of viridis (Stéfan van
der Walt and Nathaniel Smith, 2015, CC0), which grows evenly lighter.
"""

Colour = tuple[int, int, int]

GROUND: Colour = (30, 30, 34)
NOTHING: Colour = (48, 48, 54)
TEXT: Colour = (236, 236, 236)
QUIET_TEXT: Colour = (170, 170, 176)
DARK_TEXT: Colour = (16, 16, 18)

PRUNED: Colour = (230, 159, 0)  # orange
AGNOSTIC: Colour = (86, 180, 233)  # sky blue
PROTECTED: Colour = (0, 158, 115)  # bluish green
SHARE: Colour = (204, 121, 167)  # reddish purple

VIRIDIS: tuple[Colour, ...] = (
    (68, 1, 84),
    (71, 45, 123),
    (59, 82, 139),
    (44, 114, 142),
    (33, 145, 140),
    (40, 174, 128),
    (94, 201, 98),
    (173, 220, 48),
    (253, 231, 37),
)


def shade(value: float) -> Colour:
    """Viridis at ``value`` in 0 to 1; exactly 0 has a colour of its own."""
    if value <= 0:
        return NOTHING
    place = min(value, 1.0) * (len(VIRIDIS) - 1)
    lower = min(int(place), len(VIRIDIS) - 2)
    low, high = VIRIDIS[lower], VIRIDIS[lower + 1]
    red, green, blue = (
        round(a + (b - a) * (place - lower)) for a, b in zip(low, high, strict=True)
    )
    return red, green, blue


def text_on(colour: Colour) -> Colour:
    """Light or dark text, whichever is easier to read on ``colour``."""
    red, green, blue = colour
    return DARK_TEXT if 0.299 * red + 0.587 * green + 0.114 * blue > 100 else TEXT
