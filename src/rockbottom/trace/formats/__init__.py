"""One reader per module: each has a ``READER`` and is found by its being here."""
