"""The store: tables, reads and one writer with group commit, on SQLite and Postgres."""
