"""The door to the libyal libraries, which read guest file systems in a process of its own."""
