"""Words of the bundled model: objects, scenes and styles by name.

The ten Imagenette names come first, so that prompts and tables can be compared with the paper's.
A glyph stands in for each object; the model card says so.
"""

OBJECTS: dict[str, str] = {
    "church": "⛪",
    "gas pump": "⛽",
    "parachute": "🪂",
    "garbage truck": "🚛",
    "french horn": "📯",
    "english springer": "🐕",
    "tench": "🐟",
    "golf ball": "⛳",
    "cassette player": "📼",
    "chain saw": "🪚",
    "cat": "🐱",
    "car": "🚗",
    "bicycle": "🚲",
    "banana": "🍌",
    "guitar": "🎸",
    "rocket": "🚀",
    "house": "🏠",
    "apple": "🍎",
    "butterfly": "🦋",
    "mushroom": "🍄",
}
"""Object name → the glyph of Noto Color Emoji that is drawn for it."""

IMAGENETTE: tuple[str, ...] = tuple(OBJECTS)[:10]
"""The ten classes of the paper's Table 1."""

SCENES: dict[str, tuple[str, ...]] = {
    "beach": (),
    "forest": ("tree", "waterfall"),
    "desert": (),
    "night sky": (),
    "snow field": (),
    "ocean": (),
    "park": ("lawn", "garden", "backyard", "courtyard", "clubhouse"),
    "room": ("office", "library", "cafe", "mall", "market", "shelter"),
    "mountain": ("valley",),
    "city": ("cityscape", "street", "road", "suburb", "bridge"),
}
"""Scene name → further places of the paper's Table 6 that are drawn as that scene."""

STYLES: tuple[str, ...] = ("pencil sketch", "pixel art", "neon", "watercolor")


def with_article(noun: str) -> str:
    """``"apple"`` → ``"an apple"``; the form in which captions and prompts name things."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
