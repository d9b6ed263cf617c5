"""GRUB's part of a boot chain: its scripts followed, its default entry chosen."""
