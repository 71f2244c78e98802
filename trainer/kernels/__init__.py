"""The numerical core: compiled loops over flat arrays, which know nothing of settings or files."""
