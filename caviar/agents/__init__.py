"""The worker process: trains trials, speaks to the server over HTTP, listens between slices."""
