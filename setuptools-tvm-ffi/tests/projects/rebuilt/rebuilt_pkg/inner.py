"""A module that may be imported before anything else is."""

from rebuilt_pkg import LIB

answer = LIB.answer
