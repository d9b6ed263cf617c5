"""Stage 1: an image becomes facts."""
