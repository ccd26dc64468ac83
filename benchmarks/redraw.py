"""Draw a sample of a suite's pictures again: see ``cli.py``."""

from cli import main

if __name__ == "__main__":
    main()
