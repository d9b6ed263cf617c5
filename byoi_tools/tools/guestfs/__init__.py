"""The door to libguestfs: its appliance, and the file systems that it mounts, all read-only."""
