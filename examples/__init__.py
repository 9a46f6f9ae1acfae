"""Programs that show what p2pblog is for; run from the repository: `python examples/X.py`."""
