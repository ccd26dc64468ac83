"""Put pictures of a suite on numbered sheets: see ``cli.py``."""

from cli import main

if __name__ == "__main__":
    main()
