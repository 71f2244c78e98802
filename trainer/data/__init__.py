"""Data sets: read, split, encoded, normalised."""
