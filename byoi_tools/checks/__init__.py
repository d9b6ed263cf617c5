"""Stage 2: facts and a profile become findings; one file, or folder, for each family of checks."""
