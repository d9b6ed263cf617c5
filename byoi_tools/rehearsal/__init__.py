"""A machine like the server, in QEMU: the disk written as the provider writes it, booted, watched, and logged in to."""
