"""Forget LoRA: from concepts to a small LoRA of the layers that read the text."""
