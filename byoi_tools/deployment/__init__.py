"""Stage 5: a URL and a server become an installed server."""
