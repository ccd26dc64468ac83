"""Prompts are denoised, and FFN2 layers watched meanwhile."""
