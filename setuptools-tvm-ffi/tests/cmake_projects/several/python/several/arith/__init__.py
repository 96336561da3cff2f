"""The library arith."""
