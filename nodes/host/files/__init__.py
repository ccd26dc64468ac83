"""The host's folder of masks, new files, uploads."""
