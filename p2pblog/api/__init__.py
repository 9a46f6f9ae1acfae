"""Ring 3: the local HTTP API."""
