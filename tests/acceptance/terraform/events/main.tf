# The way of AWS Backup's events to a queue: by a rule of EventBridge, and by the topic of a vault.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {
  description = "Where the sandbox listens."
  type        = string
}

provider "aws" {
  region                  = "us-east-1"
  skip_metadata_api_check = true

  endpoints {
    backup      = var.endpoint
    eventbridge = var.endpoint
    sns         = var.endpoint
    sqs         = var.endpoint
    sts         = var.endpoint
  }
}

resource "aws_sqs_queue" "dead" {
  name                      = "events-dead"
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "events" {
  name                       = "events"
  receive_wait_time_seconds  = 5
  visibility_timeout_seconds = 60
  tags                       = { team = "platform" }

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 5
  })
}

data "aws_iam_policy_document" "queue" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.events.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com", "sns.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.backup.arn, aws_sns_topic.vaults.arn]
    }
  }
}

resource "aws_sqs_queue_policy" "events" {
  queue_url = aws_sqs_queue.events.id
  policy    = data.aws_iam_policy_document.queue.json
}

resource "aws_cloudwatch_event_rule" "backup" {
  name        = "backup"
  description = "Whatever AWS Backup tells"
  tags        = { team = "platform" }

  event_pattern = jsonencode({
    source      = ["aws.backup"]
    detail-type = [{ suffix = " State Change" }]
  })
}

resource "aws_cloudwatch_event_target" "queue" {
  rule      = aws_cloudwatch_event_rule.backup.name
  target_id = "queue"
  arn       = aws_sqs_queue.events.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead.arn
  }
}

resource "aws_sns_topic" "vaults" {
  name = "vaults"
  tags = { team = "platform" }
}

resource "aws_sns_topic_policy" "vaults" {
  arn = aws_sns_topic.vaults.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "SNS:Publish"
      Principal = { Service = "backup.amazonaws.com" }
      Resource  = aws_sns_topic.vaults.arn
    }]
  })
}

resource "aws_sns_topic_subscription" "queue" {
  topic_arn           = aws_sns_topic.vaults.arn
  protocol            = "sqs"
  endpoint            = aws_sqs_queue.events.arn
  filter_policy       = jsonencode({ State = ["COMPLETED"] })
  filter_policy_scope = "MessageAttributes"
}

resource "aws_backup_vault" "gold" {
  name = "told"
}

resource "aws_backup_vault_notifications" "gold" {
  backup_vault_name   = aws_backup_vault.gold.name
  sns_topic_arn       = aws_sns_topic.vaults.arn
  backup_vault_events = ["BACKUP_JOB_STARTED", "BACKUP_JOB_COMPLETED"]
}
