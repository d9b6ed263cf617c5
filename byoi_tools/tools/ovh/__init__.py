"""The door to the provider's API: its address, its clients, its configuration."""
