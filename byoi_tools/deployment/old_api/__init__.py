"""The API of the 2020 guides: its request, status and end (`/dedicated/server/{serviceName}/bringYourOwnImage`)."""
