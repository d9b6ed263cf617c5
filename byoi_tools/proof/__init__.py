"""A running system, asked over SSH: who it is, and whether it is the one that was ordered."""
