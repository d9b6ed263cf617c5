"""Many servers that get one image: published once, rolled out to canaries first, some at a time."""
