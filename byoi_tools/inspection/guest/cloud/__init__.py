"""cloud-init and its counterparts as a guest has them: installed, configured, started."""
