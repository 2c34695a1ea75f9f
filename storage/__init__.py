"""The database: schema, connection, and the statements that read and write it."""
