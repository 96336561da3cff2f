"""Libraries that share a library."""
