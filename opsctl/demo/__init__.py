"""The shop of `opsctl demo`: what runs, the workspace that looks after it, and the story of it."""
