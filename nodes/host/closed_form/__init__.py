"""FFN2 in closed form: a LoRA without a mask."""
