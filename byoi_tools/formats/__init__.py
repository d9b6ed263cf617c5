"""Bytes to nouns: small pure readers written from the specifications, with caps on every count and size."""
