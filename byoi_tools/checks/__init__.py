"""Stage 2: facts and a profile become findings; one file for each family of checks."""
