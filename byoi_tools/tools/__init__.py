"""The doors: one file, or folder, for each outside thing, which nothing else imports."""
