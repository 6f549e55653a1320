output "load_balancer_dns_name" {
  description = "Point the certificate's name at it."
  value       = aws_lb.gateway.dns_name
}

output "load_balancer_zone_id" {
  value = aws_lb.gateway.zone_id
}

output "task_role_arn" {
  description = "Trusted by the roles that keys name."
  value       = aws_iam_role.task.arn
}

output "tasks_security_group_id" {
  value = aws_security_group.tasks.id
}

output "ledger" {
  description = "What `rockbottom ledger summary` and `replay` take."
  value       = "s3://${var.ledger_bucket}/${var.ledger_prefix}"
}
