"""Slow twins: the trainer in plain NumPy and Python integers, nothing done for speed."""
