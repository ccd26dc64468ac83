"""Texts and tables about masks, for people."""
