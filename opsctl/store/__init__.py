"""The store: one SQLite file with the evidence, and all the SQL of opsctl."""
