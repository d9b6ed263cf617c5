"""How a guest boots: the chain of each loader from the firmware to the root file system."""
