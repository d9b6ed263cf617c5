"""The command line: what the verbs share, and the one place where an error becomes a message and an exit code."""
