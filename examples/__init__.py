"""Programs that show what p2pblog is for. Each is run from the repository: `python examples/X.py`."""
