"""GRUB 2: what is built into its images, and the script language of grub.cfg."""
