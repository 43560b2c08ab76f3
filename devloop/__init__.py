"""devloop: a container dev loop that rebuilds only when a dependency really changed."""

__version__ = "0.1.0"
