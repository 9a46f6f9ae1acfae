"""`python -m p2pblog` is the command line."""

import sys

from p2pblog.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
