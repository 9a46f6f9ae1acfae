"""Ring 3: the command line; knows only the local API."""
