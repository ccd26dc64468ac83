"""What a person reads of a mask."""
