"""Reports and facts become text for people and JSON for programs; one file for each form."""
