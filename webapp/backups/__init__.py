"""Backup and restore: a dump of the database and a copy of the storage that has all that the dump names."""
