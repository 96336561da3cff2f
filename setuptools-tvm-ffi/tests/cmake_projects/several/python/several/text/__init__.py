"""The library text."""
