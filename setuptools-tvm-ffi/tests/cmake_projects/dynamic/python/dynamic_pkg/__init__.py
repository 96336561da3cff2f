"""A library whose build computes its sources."""
