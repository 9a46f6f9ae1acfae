"""Ring 0: the protocol as pure functions and machines. No I/O, no clock, no randomness."""
