"""The nouns: frozen dataclasses and enums with behaviour, no I/O, nothing third-party."""
