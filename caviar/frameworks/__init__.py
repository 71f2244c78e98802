"""Callbacks that let the training of a framework be a trial; each module imports its framework alone."""
