"""A team of simulated devices: the machines of the protocol and the real store, on virtual time."""
