"""Stage 4: an image becomes digests, an object in a store, and a presigned URL that fetches it."""
