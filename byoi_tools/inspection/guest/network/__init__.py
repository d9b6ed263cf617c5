"""The network of a guest, in every form in which guests configure it."""
