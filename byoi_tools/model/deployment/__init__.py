"""The nouns of a deployment: the server, the order for it, its plan, and the fleet it may belong to."""
