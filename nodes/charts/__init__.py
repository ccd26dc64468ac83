"""Pictures of an inspected mask, drawn with Pillow alone: it comes with every host."""

from .overlap import MEASURES
from .pages import inspection_pages

__all__ = ["MEASURES", "inspection_pages"]
