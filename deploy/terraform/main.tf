data "aws_region" "here" {}
data "aws_partition" "here" {}

locals {
  partition = data.aws_partition.here.partition
  region    = coalesce(var.region, data.aws_region.here.name)
  port      = 8787
  share     = "rediss://${aws_elasticache_replication_group.valkey.primary_endpoint_address}:6379/0?name=${var.name}"

  # Fargate ends a task 120 seconds after SIGTERM at the latest: 80 to finish what is under way, 30 to ship the ledger.
  stop_timeout_s = 120
  drain_s        = 80

  configuration = merge(
    { limits = { drain_s = local.drain_s } },
    var.gateway,
    {
      upstream = merge({ region = local.region }, lookup(var.gateway, "upstream", {}))
      listen   = "0.0.0.0:${local.port}"
      keys     = "/tmp/gateway/keys.json"
      share    = local.share
      ledger   = "/var/lib/rockbottom/ledger"
      ship     = { to = "s3://${var.ledger_bucket}/${var.ledger_prefix}", every_s = 30 }
    },
  )
}

resource "aws_cloudwatch_log_group" "gateway" {
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_ecs_cluster" "own" {
  count = var.cluster_arn == null ? 1 : 0
  name  = var.name
  tags  = var.tags

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "gateway" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  tags                     = var.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  # The two places that are written: the ledger, and what the environment tells, as files.
  volume {
    name = "state"
  }

  volume {
    name = "tmp"
  }

  container_definitions = jsonencode([
    {
      name                   = "gateway"
      image                  = var.image
      essential              = true
      readonlyRootFilesystem = true
      user                   = "65532:65532"
      stopTimeout            = local.stop_timeout_s
      portMappings           = [{ containerPort = local.port, protocol = "tcp" }]
      linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
      ulimits                = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]

      mountPoints = [
        { sourceVolume = "state", containerPath = "/var/lib/rockbottom", readOnly = false },
        { sourceVolume = "tmp", containerPath = "/tmp", readOnly = false },
      ]

      entryPoint = ["sh", "-c"]
      command = [join(" && ", [
        "umask 077",
        "mkdir -p /tmp/gateway",
        "printf %s \"$GATEWAY_YAML\" > /tmp/gateway/gateway.yaml",
        "printf %s \"$GATEWAY_KEYS\" > /tmp/gateway/keys.json",
        "unset GATEWAY_YAML GATEWAY_KEYS",
        "exec rockbottom gateway --config /tmp/gateway/gateway.yaml",
      ])]

      environment = [{ name = "GATEWAY_YAML", value = yamlencode(local.configuration) }]
      secrets = [
        { name = "GATEWAY_KEYS", valueFrom = var.keys_secret_arn },
        { name = "ROCKBOTTOM_GATEWAY_SECRET", valueFrom = var.master_secret_arn },
        { name = "ROCKBOTTOM_SHARE_KEY", valueFrom = var.master_secret_arn },
      ]

      healthCheck = {
        command = [
          "CMD", "python", "-c",
          "import urllib.request as u; u.urlopen('http://127.0.0.1:${local.port}/health', timeout=2)",
        ]
        interval    = 15
        timeout     = 5
        retries     = 3
        startPeriod = 20
      }

      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.gateway.name
          awslogs-region        = data.aws_region.here.name
          awslogs-stream-prefix = "gateway"
        }
      }
    },
  ])
}

resource "aws_ecs_service" "gateway" {
  name                               = var.name
  cluster                            = var.cluster_arn == null ? aws_ecs_cluster.own[0].arn : var.cluster_arn
  task_definition                    = aws_ecs_task_definition.gateway.arn
  launch_type                        = "FARGATE"
  desired_count                      = var.desired_count
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 60
  propagate_tags                     = "SERVICE"
  tags                               = var.tags

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.private_subnet_ids
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.gateway.arn
    container_name   = "gateway"
    container_port   = local.port
  }

  lifecycle {
    ignore_changes = [desired_count] # autoscaling's
  }

  depends_on = [aws_lb_listener.https]
}

resource "aws_appautoscaling_target" "gateway" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${element(split("/", aws_ecs_service.gateway.cluster), length(split("/", aws_ecs_service.gateway.cluster)) - 1)}/${aws_ecs_service.gateway.name}"
  min_capacity       = var.desired_count
  max_capacity       = var.max_count
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "${var.name}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.gateway.service_namespace
  scalable_dimension = aws_appautoscaling_target.gateway.scalable_dimension
  resource_id        = aws_appautoscaling_target.gateway.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
