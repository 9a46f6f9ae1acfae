"""The daemon's own affairs with the system."""

import resource

from p2pblog import daemon


def test_room_for_all_connections() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 2000 if before[1] == resource.RLIM_INFINITY else min(2000, before[1])
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        daemon._allow_descriptors()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert (soft, hard) == (min(daemon.DESCRIPTORS, most), before[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        daemon._allow_descriptors()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == most
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
