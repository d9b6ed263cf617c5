"""The kernels of a guest, with the modules and the initramfs of each."""
