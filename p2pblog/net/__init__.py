"""Ring 1b: sockets and mDNS. Knows nothing of the store."""
