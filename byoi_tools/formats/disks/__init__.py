"""What divides a disk: partition tables, LVM2, and which table counts."""
