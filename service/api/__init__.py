"""The REST interface: thin routes over use cases and reads."""
