"""The rows of ``benchmarks/true_size.py``: speed, memory and files at the size of real models."""
