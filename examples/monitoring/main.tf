terraform {
  required_providers {
    aws = { "source" = "hashicorp/aws", "version" = ">= 5.0" }
  }
}

resource "aws_sns_topic" "alarms" {
  name = "support-agent-alarms"
  tags = { "rockbottom:stack" = "support-agent" }
}

resource "aws_cloudwatch_metric_alarm" "low_cache_hit_rate_amazon_nova_pro_v10" {
  alarm_name          = "BedrockLLMOps-support-agent-LowCacheHitRate-amazon.nova-pro-v1:0"
  alarm_description   = "Prompts are read from the cache less often than they should be: something at the front of the prompt may change every call. (rockbottom)"
  comparison_operator = "LessThanThreshold"
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  threshold           = 70.0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = { "rockbottom:stack" = "support-agent" }
  metric_query {
    id          = "rate"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "CacheHitRate"
      period      = 300
      stat        = "Average"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "calls_in_period"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "CacheHitTokens"
      period      = 300
      stat        = "SampleCount"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "result"
    expression  = "IF(calls_in_period >= 5, rate, 70)"
    label       = "LowCacheHitRate"
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "spend_rate" {
  alarm_name          = "BedrockLLMOps-support-agent-SpendRate"
  alarm_description   = "More is spent in an hour than was planned. (rockbottom)"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  threshold           = 5.0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = { "rockbottom:stack" = "support-agent" }
  namespace           = "BedrockLLMOps"
  metric_name         = "Cost"
  statistic           = "Sum"
  period              = 3600
  dimensions          = { "ModelId" = "amazon.nova-pro-v1:0" }
}

resource "aws_cloudwatch_metric_alarm" "write_waste_amazon_nova_pro_v10" {
  alarm_name          = "BedrockLLMOps-support-agent-WriteWaste-amazon.nova-pro-v1:0"
  alarm_description   = "Too much of the bill is the extra price of cache writes that nothing has read. (rockbottom)"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  threshold           = 10.0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = { "rockbottom:stack" = "support-agent" }
  metric_query {
    id          = "waste"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "WriteWaste"
      period      = 3600
      stat        = "Sum"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "cost"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "Cost"
      period      = 3600
      stat        = "Sum"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "calls_in_period"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "CacheHitTokens"
      period      = 3600
      stat        = "SampleCount"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "result"
    expression  = "IF(calls_in_period >= 60, 100 * waste / cost, 10)"
    label       = "WriteWaste"
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "silent_zero_amazon_nova_pro_v10" {
  alarm_name          = "BedrockLLMOps-support-agent-SilentZero-amazon.nova-pro-v1:0"
  alarm_description   = "cachePoints are sent and nothing is cached: too short a prefix, a model that does not cache, or a point in the wrong place. The service says nothing. (rockbottom)"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  threshold           = 0.5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = { "rockbottom:stack" = "support-agent" }
  metric_query {
    id          = "share"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "PointsWithoutCaching"
      period      = 300
      stat        = "Average"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "calls_in_period"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "CacheHitTokens"
      period      = 300
      stat        = "SampleCount"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "result"
    expression  = "IF(calls_in_period >= 5, share, -0.5)"
    label       = "SilentZero"
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "daily_write_waste_amazon_nova_pro_v10" {
  alarm_name          = "BedrockLLMOps-support-agent-DailyWriteWaste-amazon.nova-pro-v1:0"
  alarm_description   = "For three days too much of the bill was the extra price of cache writes that nothing has read: also where calls are few, something at the front of the prompt may change every call. (rockbottom)"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  threshold           = 10.0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = { "rockbottom:stack" = "support-agent" }
  metric_query {
    id          = "waste"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "WriteWaste"
      period      = 86400
      stat        = "Sum"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "cost"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "Cost"
      period      = 86400
      stat        = "Sum"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "calls_in_period"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "CacheHitTokens"
      period      = 86400
      stat        = "SampleCount"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "result"
    expression  = "IF(calls_in_period >= 240, 100 * waste / cost, 10)"
    label       = "DailyWriteWaste"
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "daily_silent_zero_amazon_nova_pro_v10" {
  alarm_name          = "BedrockLLMOps-support-agent-DailySilentZero-amazon.nova-pro-v1:0"
  alarm_description   = "For a day cachePoints were sent and nothing was cached, also where calls are few: too short a prefix, a model that does not cache, or a point in the wrong place. (rockbottom)"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  threshold           = 0.5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = { "rockbottom:stack" = "support-agent" }
  metric_query {
    id          = "share"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "PointsWithoutCaching"
      period      = 86400
      stat        = "Average"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "calls_in_period"
    return_data = false
    metric {
      namespace   = "BedrockLLMOps"
      metric_name = "CacheHitTokens"
      period      = 86400
      stat        = "SampleCount"
      dimensions  = { "ModelId" = "amazon.nova-pro-v1:0" }
    }
  }
  metric_query {
    id          = "result"
    expression  = "IF(calls_in_period >= 240, share, -0.5)"
    label       = "DailySilentZero"
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "publishing_stopped" {
  alarm_name          = "BedrockLLMOps-support-agent-PublishingStopped"
  alarm_description   = "No program has published for 25 minutes, with or without calls: the other alarms see nothing, and their silence says nothing. (rockbottom)"
  comparison_operator = "LessThanThreshold"
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  threshold           = 1.0
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = { "rockbottom:stack" = "support-agent" }
  namespace           = "BedrockLLMOps"
  metric_name         = "Heartbeat"
  statistic           = "SampleCount"
  period              = 300
  dimensions          = {  }
}

data "aws_region" "current" {
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "BedrockLLMOps-support-agent"
  dashboard_body = "{\"widgets\":[{\"height\":3,\"properties\":{\"markdown\":\"## What prompts cost, and what caching saves\\nMade by rockbottom for the stack support-agent. Ours: `BedrockLLMOps`, calls through rockbottom. AWS: `AWS/Bedrock` and `AWS/BedrockMantle`, every call of the account.\"},\"type\":\"text\",\"width\":12,\"x\":0,\"y\":0},{\"height\":3,\"properties\":{\"alarms\":[\"${aws_cloudwatch_metric_alarm.low_cache_hit_rate_amazon_nova_pro_v10.arn}\",\"${aws_cloudwatch_metric_alarm.spend_rate.arn}\",\"${aws_cloudwatch_metric_alarm.write_waste_amazon_nova_pro_v10.arn}\",\"${aws_cloudwatch_metric_alarm.silent_zero_amazon_nova_pro_v10.arn}\",\"${aws_cloudwatch_metric_alarm.daily_write_waste_amazon_nova_pro_v10.arn}\",\"${aws_cloudwatch_metric_alarm.daily_silent_zero_amazon_nova_pro_v10.arn}\",\"${aws_cloudwatch_metric_alarm.publishing_stopped.arn}\"],\"title\":\"Alarms\"},\"type\":\"alarm\",\"width\":12,\"x\":12,\"y\":0},{\"height\":6,\"properties\":{\"annotations\":{\"horizontal\":[{\"label\":\"LowCacheHitRate\",\"value\":70.0}]},\"metrics\":[[\"BedrockLLMOps\",\"CacheHitRate\",\"ModelId\",\"amazon.nova-pro-v1:0\",{\"label\":\"amazon.nova-pro-v1:0 ours\",\"stat\":\"Average\"}],[\"AWS/Bedrock\",\"InputTokenCount\",\"ModelId\",\"us.amazon.nova-pro-v1:0\",{\"id\":\"input0\",\"stat\":\"Sum\",\"visible\":false}],[\"AWS/Bedrock\",\"CacheReadInputTokens\",\"ModelId\",\"us.amazon.nova-pro-v1:0\",{\"id\":\"read0\",\"stat\":\"Sum\",\"visible\":false}],[\"AWS/Bedrock\",\"CacheWriteInputTokens\",\"ModelId\",\"us.amazon.nova-pro-v1:0\",{\"id\":\"write0\",\"stat\":\"Sum\",\"visible\":false}],[{\"expression\":\"100 * read0 / (input0 + read0 + write0)\",\"id\":\"rate0\",\"label\":\"us.amazon.nova-pro-v1:0 AWS\"}]],\"period\":300,\"region\":\"${data.aws_region.current.id}\",\"title\":\"Cache hit rate, %\",\"view\":\"timeSeries\",\"yAxis\":{\"left\":{\"max\":100,\"min\":0}}},\"type\":\"metric\",\"width\":12,\"x\":0,\"y\":3},{\"height\":6,\"properties\":{\"metrics\":[[\"BedrockLLMOps\",\"CacheHitTokens\",\"ModelId\",\"amazon.nova-pro-v1:0\",{\"color\":\"#0b8a62\",\"label\":\"read amazon.nova-pro-v1:0\",\"stat\":\"Sum\"}],[\"BedrockLLMOps\",\"CacheWriteTokens\",\"ModelId\",\"amazon.nova-pro-v1:0\",{\"color\":\"#d98a00\",\"label\":\"written amazon.nova-pro-v1:0\",\"stat\":\"Sum\"}],[\"BedrockLLMOps\",\"UncachedInputTokens\",\"ModelId\",\"amazon.nova-pro-v1:0\",{\"color\":\"#8b93a0\",\"label\":\"uncached amazon.nova-pro-v1:0\",\"stat\":\"Sum\"}],[\"BedrockLLMOps\",\"OutputTokens\",\"ModelId\",\"amazon.nova-pro-v1:0\",{\"color\":\"#2166ac\",\"label\":\"output amazon.nova-pro-v1:0\",\"stat\":\"Sum\"}]],\"period\":300,\"region\":\"${data.aws_region.current.id}\",\"stacked\":true,\"title\":\"Tokens by kind, ours\",\"view\":\"timeSeries\",\"yAxis\":{\"left\":{\"min\":0}}},\"type\":\"metric\",\"width\":12,\"x\":12,\"y\":3},{\"height\":6,\"properties\":{\"metrics\":[[\"BedrockLLMOps\",\"Cost\",\"ModelId\",\"amazon.nova-pro-v1:0\",{\"label\":\"amazon.nova-pro-v1:0 cost\",\"stat\":\"Sum\"}],[\"BedrockLLMOps\",\"Saving\",\"ModelId\",\"amazon.nova-pro-v1:0\",{\"label\":\"amazon.nova-pro-v1:0 saved\",\"stat\":\"Sum\"}]],\"period\":3600,\"region\":\"${data.aws_region.current.id}\",\"title\":\"US dollars an hour, and saved against no caching\",\"view\":\"timeSeries\"},\"type\":\"metric\",\"width\":12,\"x\":0,\"y\":9},{\"height\":6,\"properties\":{\"metrics\":[[\"BedrockLLMOps\",\"CostPerRequest\",\"ModelId\",\"amazon.nova-pro-v1:0\",{\"label\":\"amazon.nova-pro-v1:0\",\"stat\":\"Average\"}]],\"period\":300,\"region\":\"${data.aws_region.current.id}\",\"title\":\"US dollars a request\",\"view\":\"timeSeries\",\"yAxis\":{\"left\":{\"min\":0}}},\"type\":\"metric\",\"width\":12,\"x\":12,\"y\":9},{\"height\":6,\"properties\":{\"metrics\":[[\"BedrockLLMOps\",\"WriteWaste\",\"ModelId\",\"amazon.nova-pro-v1:0\",{\"label\":\"amazon.nova-pro-v1:0 never read\",\"stat\":\"Sum\"}],[\"BedrockLLMOps\",\"PointsWithoutCaching\",\"ModelId\",\"amazon.nova-pro-v1:0\",{\"label\":\"amazon.nova-pro-v1:0 silent\",\"stat\":\"Sum\"}]],\"period\":300,\"region\":\"${data.aws_region.current.id}\",\"title\":\"Never read (tokens); points that cached nothing (calls)\",\"view\":\"timeSeries\"},\"type\":\"metric\",\"width\":8,\"x\":0,\"y\":15},{\"height\":6,\"properties\":{\"metrics\":[[\"BedrockLLMOps\",\"TimeToFirstToken\",\"ModelId\",\"amazon.nova-pro-v1:0\",{\"label\":\"amazon.nova-pro-v1:0 ours p90\",\"stat\":\"p90\"}],[\"AWS/Bedrock\",\"TimeToFirstToken\",\"ModelId\",\"us.amazon.nova-pro-v1:0\",{\"label\":\"us.amazon.nova-pro-v1:0 AWS p90\",\"stat\":\"p90\"}]],\"period\":300,\"region\":\"${data.aws_region.current.id}\",\"title\":\"Time to first token, ms\",\"view\":\"timeSeries\",\"yAxis\":{\"left\":{\"min\":0}}},\"type\":\"metric\",\"width\":8,\"x\":8,\"y\":15},{\"height\":6,\"properties\":{\"metrics\":[[\"AWS/Bedrock\",\"Invocations\",\"ModelId\",\"us.amazon.nova-pro-v1:0\",{\"label\":\"us.amazon.nova-pro-v1:0 Invocations\",\"stat\":\"Sum\"}],[\"AWS/Bedrock\",\"InvocationThrottles\",\"ModelId\",\"us.amazon.nova-pro-v1:0\",{\"label\":\"us.amazon.nova-pro-v1:0 InvocationThrottles\",\"stat\":\"Sum\"}],[\"AWS/Bedrock\",\"InvocationClientErrors\",\"ModelId\",\"us.amazon.nova-pro-v1:0\",{\"label\":\"us.amazon.nova-pro-v1:0 InvocationClientErrors\",\"stat\":\"Sum\"}]],\"period\":300,\"region\":\"${data.aws_region.current.id}\",\"title\":\"Calls as AWS counts them\",\"view\":\"timeSeries\",\"yAxis\":{\"left\":{\"min\":0}}},\"type\":\"metric\",\"width\":8,\"x\":16,\"y\":15},{\"height\":6,\"properties\":{\"metrics\":[[{\"expression\":\"SEARCH('{AWS/BedrockMantle,Project,Model} MetricName=\\\"Inferences\\\"', 'Sum', 300)\",\"id\":\"mantle0\",\"label\":\"Inferences \"}],[{\"expression\":\"SEARCH('{AWS/BedrockMantle,Project,Model} MetricName=\\\"InferenceClientErrors\\\"', 'Sum', 300)\",\"id\":\"mantle1\",\"label\":\"InferenceClientErrors \"}]],\"period\":300,\"region\":\"${data.aws_region.current.id}\",\"title\":\"bedrock-mantle by project: calls, and those refused\",\"view\":\"timeSeries\",\"yAxis\":{\"left\":{\"min\":0}}},\"type\":\"metric\",\"width\":12,\"x\":0,\"y\":21},{\"height\":6,\"properties\":{\"metrics\":[[{\"expression\":\"SEARCH('{AWS/BedrockMantle,Project,Model} MetricName=\\\"InputTokens\\\"', 'Sum', 300)\",\"id\":\"mantle2\",\"label\":\"InputTokens \"}],[{\"expression\":\"SEARCH('{AWS/BedrockMantle,Project,Model} MetricName=\\\"OutputTokens\\\"', 'Sum', 300)\",\"id\":\"mantle3\",\"label\":\"OutputTokens \"}]],\"period\":300,\"region\":\"${data.aws_region.current.id}\",\"title\":\"bedrock-mantle by project: tokens (no metric counts cached ones)\",\"view\":\"timeSeries\",\"yAxis\":{\"left\":{\"min\":0}}},\"type\":\"metric\",\"width\":12,\"x\":12,\"y\":21}]}"
}
