"""p2pblog: a microblog for small firms, without a server."""

__version__ = "0.1.0"
