"""All that knows ComfyUI's insides; written for 0.3.75 and later."""
