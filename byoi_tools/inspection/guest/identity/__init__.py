"""Who may log in to a guest, what it holds secret, and what its clones would share."""
