"""Peers of the quality bench: a program each, run by the Python of an environment of its own."""
