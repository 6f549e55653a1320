"""The pytest plugin: pinned prompts, and conversations on a local endpoint held to a budget.

pytest loads ``rockbottom.testing.plugin`` in every project that has rockbottom installed; it imports nothing else of
rockbottom before a fixture is used.
"""
