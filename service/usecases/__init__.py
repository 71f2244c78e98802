"""Use cases: what the server does, each as functions of a transaction or of the Services."""
