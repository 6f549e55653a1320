variable "name" {
  description = "Name of everything that is made."
  type        = string
  default     = "rockbottom-gateway"
}

variable "image" {
  description = "The image of deploy/Dockerfile in your registry, by digest: 1234.dkr.ecr.eu-central-1.amazonaws.com/gateway@sha256:..."
  type        = string
}

variable "vpc_id" {
  type = string
}

variable "private_subnet_ids" {
  description = "Where tasks and Valkey run; they reach bedrock-runtime, S3, ECR, Secrets Manager and logs through NAT or endpoints."
  type        = list(string)
}

variable "load_balancer_subnet_ids" {
  description = "Where the load balancer stands: private subnets for an internal one."
  type        = list(string)
}

variable "internal" {
  description = "Whether the load balancer has no public address."
  type        = bool
  default     = true
}

variable "certificate_arn" {
  description = "ACM certificate of the name that callers use."
  type        = string
}

variable "allowed_cidrs" {
  description = "Who may reach the load balancer."
  type        = list(string)
}

variable "cluster_arn" {
  description = "An ECS cluster; null makes one."
  type        = string
  default     = null
}

variable "gateway" {
  description = "gateway.yaml as a map; listen, keys, ledger, ship and share are set here."
  type        = any
  default     = {}
}

variable "region" {
  description = "Region of Amazon Bedrock; the provider's otherwise."
  type        = string
  default     = null
}

variable "keys_secret_arn" {
  description = "Secret whose text is keys.json, the table that `rockbottom gateway key add` writes."
  type        = string
}

variable "master_secret_arn" {
  description = "Secret whose text is the master secret of that table, 32 characters or more."
  type        = string
}

variable "ledger_bucket" {
  description = "Bucket that ledgers are shipped to; a task's own disk goes with it."
  type        = string
}

variable "ledger_prefix" {
  type    = string
  default = "gateways"
}

variable "assumed_role_arns" {
  description = "Roles that keys name (`key add --role`), as `rockbottom gateway policy` lists them."
  type        = list(string)
  default     = []
}

variable "model_arns" {
  description = "Foundation models that may be called; all otherwise."
  type        = list(string)
  default     = null
}

variable "desired_count" {
  type    = number
  default = 2
}

variable "max_count" {
  type    = number
  default = 8
}

variable "cpu" {
  description = "CPU units of a task; one gateway uses one core."
  type        = number
  default     = 1024
}

variable "memory" {
  type    = number
  default = 2048
}

variable "cpu_architecture" {
  type    = string
  default = "ARM64"
}

variable "valkey_node_type" {
  type    = string
  default = "cache.t4g.small"
}

variable "valkey_engine_version" {
  type    = string
  default = "8.0"
}

variable "log_retention_days" {
  type    = number
  default = 30
}

variable "deletion_protection" {
  type    = bool
  default = true
}

variable "tags" {
  type    = map(string)
  default = {}
}
