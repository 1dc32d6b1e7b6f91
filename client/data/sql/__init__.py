"""A platform's data in an SQL database: two queries, read in chunks, and what is kept of them between rounds."""
