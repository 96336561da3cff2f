"""A module that a test imports first."""

from rebuilt_pkg import LIB

answer = LIB.answer
