"""Structures to learn from and to judge by: files read, cleaned, clustered, packed and cut into batches."""
