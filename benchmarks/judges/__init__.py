"""The judges, one a file: ``JUDGE`` says what it looks for."""
