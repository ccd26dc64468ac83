"""Write tables and plots from the rows: see ``cli.py``."""

from cli import main

if __name__ == "__main__":
    main()
