"""Pictures that models and judges learn from, and their captions."""
