"""The nouns of a guest: what its own files say of the system in an image; one module for each domain of facts."""
