"""The files in which a virtual disk comes: told apart by content, and judged before QEMU sees them."""
