"""The stubs of front."""
