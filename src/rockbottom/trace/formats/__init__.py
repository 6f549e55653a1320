"""Readers of log formats, one module each; what a module calls ``READER`` is the reader of its format."""
