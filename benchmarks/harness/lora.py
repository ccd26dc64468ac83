"""The LoRA of conditions: watercolour, trained by ``demo_model/training/train_lora.py``."""

from workbench.environment import ROOT

LORA = ROOT / "benchmarks" / "loras" / "watercolor.safetensors"
STRENGTH = 0.6
"""At strength 1 the LoRA, which has seen each object twice, takes some objects away; the strength
was chosen on eight pictures with a seed that no suite has."""
