#!/usr/bin/env python3
"""Start streamface from a checkout: `python run_stream.py --source demo --database database`."""

import sys

from streamface.cli import main

if __name__ == "__main__":
    sys.exit(main())
