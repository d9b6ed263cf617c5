"""The guest in an image: its file systems assembled to one tree, and the facts that its files tell."""
