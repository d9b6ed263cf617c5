"""The doors: one file for each outside thing, which nothing else imports."""
