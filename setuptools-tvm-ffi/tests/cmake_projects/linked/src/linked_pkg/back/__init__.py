"""The stubs of back."""
