"""The font whose glyphs stand for the objects: Noto Color Emoji (OFL 1.1), not in the repository.

No module but the standard library's: it is asked for before anything is installed.
"""

import os
from pathlib import Path

FONT = Path(os.environ.get("FIA_FONT", "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"))

MISSING = (
    f"The font Noto Color Emoji is not at {FONT}. On Debian and Ubuntu: apt-get install "
    "fonts-noto-color-emoji; elsewhere name its file NotoColorEmoji.ttf in FIA_FONT."
)
