"""One file for each command: its arguments, the library calls, and what it prints."""
