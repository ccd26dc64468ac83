"""Closed-Form LoRA: from a request to the change of all FFN2 weights, without a mask."""
