"""`python -m streamface`: the command line."""

import sys

from streamface.cli import main

if __name__ == "__main__":
    sys.exit(main())
