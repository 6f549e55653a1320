"""Where cachePoints go, measured: rockbottom's planner beside the real peers and the fixed rules."""
