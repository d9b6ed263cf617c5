"""byoi-tools: takes an operating system image from a build to a running bare-metal server."""

__version__ = "0.1.0"
