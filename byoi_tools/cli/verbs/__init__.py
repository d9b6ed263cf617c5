"""One short file for each verb: its flags, and which stages they order."""
