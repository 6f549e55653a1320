"""The ledger held against what AWS counted (CloudWatch) and what AWS billed (CUR, Cost Explorer), day by day."""
