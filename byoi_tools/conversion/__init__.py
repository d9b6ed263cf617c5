"""Stage 3: an image becomes another image with the same content."""
