"""Put pictures of a suite side by side: see ``cli.py``."""

from cli import main

if __name__ == "__main__":
    main()
