"""What the server tells others by itself."""
