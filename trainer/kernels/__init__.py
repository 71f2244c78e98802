"""The numerical core: compiled loops over flat arrays. They know nothing of settings, files or Python objects."""
