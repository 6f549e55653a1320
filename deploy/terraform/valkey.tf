resource "aws_elasticache_subnet_group" "valkey" {
  name       = var.name
  subnet_ids = var.private_subnet_ids
  tags       = var.tags
}

# One shard: what is shared is written under few keys, and a cluster would answer with redirections.
# Leases must not be evicted; nothing in it needs a backup.
resource "aws_elasticache_parameter_group" "valkey" {
  name   = var.name
  family = "valkey${split(".", var.valkey_engine_version)[0]}"

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }
}

resource "aws_elasticache_replication_group" "valkey" {
  replication_group_id       = var.name
  description                = "What gateways share: sightings, leases, fan-out. No text."
  engine                     = "valkey"
  engine_version             = var.valkey_engine_version
  node_type                  = var.valkey_node_type
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  multi_az_enabled           = true
  parameter_group_name       = aws_elasticache_parameter_group.valkey.name
  subnet_group_name          = aws_elasticache_subnet_group.valkey.name
  security_group_ids         = [aws_security_group.valkey.id]
  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  snapshot_retention_limit   = 0
  apply_immediately          = true
  tags                       = var.tags
}
