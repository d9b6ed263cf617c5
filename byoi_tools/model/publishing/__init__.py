"""The nouns of publishing: a published object, its manifest, where it is, and all that is in a store."""
