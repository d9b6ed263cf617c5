"""A pretend outside over real HTTP: the provider's API, and servers that really download and write images.

It judges images with other programs (qemu-img, blkid, sgdisk, sfdisk, mtools, xorriso), never with this
project's readers and checks, so that it does not repeat their mistakes.
"""
