"""The API of today: the request, its body, and the watch over it (`/dedicated/server/{serviceName}/reinstall`)."""
