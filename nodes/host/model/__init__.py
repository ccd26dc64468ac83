"""The host's models: their FFN2 layers, and which model it is."""
