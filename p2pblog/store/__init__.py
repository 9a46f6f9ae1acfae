"""Ring 1a: the store. SQLite, synchronous; `Replica` is the only door."""
