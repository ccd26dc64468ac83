"""The host's folders of masks, uploads, left-overs."""
