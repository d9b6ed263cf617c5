"""Compressed bytes: followed and unpacked in bounded steps, whole or as a stream."""
