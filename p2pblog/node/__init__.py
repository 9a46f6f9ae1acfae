"""Ring 2: the running replica on trio; drives ring 0 with ring 1."""
