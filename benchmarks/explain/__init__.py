"""Planted causes of cache misses, named by rockbottom and by cachecanary."""
