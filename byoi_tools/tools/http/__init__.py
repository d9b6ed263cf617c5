"""The door to web servers: ranges of what is behind a URL, fetched over connections that are kept."""
