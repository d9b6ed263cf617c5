"""Files of a running system: its accounts, mounts, network, modules, packages and cloud-config."""
