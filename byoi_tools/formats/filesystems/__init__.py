"""What lies on a partition: recognised by its magic, and read as far as the first questions need it."""
