data "aws_iam_policy_document" "ecs_tasks" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

# What the gateway itself may do: as `rockbottom gateway policy` prints it.
data "aws_iam_policy_document" "task" {
  statement {
    sid     = "Call"
    actions = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:CountTokens"]
    resources = concat(
      coalesce(var.model_arns, ["arn:${local.partition}:bedrock:*::foundation-model/*"]),
      [
        "arn:${local.partition}:bedrock:*:*:inference-profile/*",
        "arn:${local.partition}:bedrock:*:*:application-inference-profile/*",
        "arn:${local.partition}:bedrock:*:*:project/default",
      ],
    )
  }

  statement {
    sid = "CallMantle"
    actions = [
      "bedrock-mantle:CreateInference",
      "bedrock-mantle:GetInference",
      "bedrock-mantle:CancelInference",
      "bedrock-mantle:DeleteInference",
      "bedrock-mantle:CountTokens",
      "bedrock-mantle:ListModels",
    ]
    resources = ["arn:${local.partition}:bedrock-mantle:*:*:project/*"]
  }

  statement {
    sid       = "LookUp"
    actions   = ["bedrock:GetInferenceProfile", "bedrock:ListInferenceProfiles"]
    resources = ["*"]
  }

  statement {
    sid       = "Ship"
    actions   = ["s3:PutObject", "s3:GetObject"]
    resources = ["arn:${local.partition}:s3:::${var.ledger_bucket}/${var.ledger_prefix}/*"]
  }

  statement {
    sid       = "Look"
    actions   = ["s3:ListBucket"]
    resources = ["arn:${local.partition}:s3:::${var.ledger_bucket}"]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.ledger_prefix}/*"]
    }
  }

  dynamic "statement" {
    for_each = length(var.assumed_role_arns) > 0 ? [1] : []

    content {
      sid       = "Assume"
      actions   = ["sts:AssumeRole", "sts:TagSession"]
      resources = var.assumed_role_arns
    }
  }
}

# What ECS may do to start it: its image, its log, its two secrets.
data "aws_iam_policy_document" "execution" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.keys_secret_arn, var.master_secret_arn]
  }

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.gateway.arn}:*"]
  }

  statement {
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
    resources = ["arn:${local.partition}:ecr:*:*:repository/*"]
  }
}

resource "aws_iam_role" "task" {
  name_prefix        = "${var.name}-task-"
  assume_role_policy = data.aws_iam_policy_document.ecs_tasks.json
  tags               = var.tags
}

resource "aws_iam_role_policy" "task" {
  name   = "gateway"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

resource "aws_iam_role" "execution" {
  name_prefix        = "${var.name}-start-"
  assume_role_policy = data.aws_iam_policy_document.ecs_tasks.json
  tags               = var.tags
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}
