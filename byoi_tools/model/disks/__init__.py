"""What the disk in an image holds: sectors, partition tables, file systems of the ESP, programs, boot code."""
