"""Outcomes and costs to CloudWatch, OpenTelemetry and Prometheus; alarms and dashboards as code."""
