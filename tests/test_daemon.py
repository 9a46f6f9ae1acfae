"""The daemon's own affairs with the system."""

import resource

from p2pblog import daemon


def test_room_for_all_connections() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        daemon._allow_descriptors()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert (soft, hard) == (min(daemon.DESCRIPTORS, hard), before[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(2000, hard), hard))
        daemon._allow_descriptors()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(2000, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
