"""Masks at work in the host: patches, hooks, strips and LoRA files."""
