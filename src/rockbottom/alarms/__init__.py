"""Alarms and dashboards as code: what they are, what they would have done, and how they get into an account."""
