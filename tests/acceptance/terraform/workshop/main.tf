# What a platform team writes for AWS Backup: role, vault with lock and policy, plan, selection by conditions.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {
  description = "Where the sandbox listens."
  type        = string
}

variable "retention_days" {
  description = "How long recovery points are kept."
  type        = number
  default     = 14
}

provider "aws" {
  region                  = "us-east-1"
  skip_metadata_api_check = true

  endpoints {
    backup                   = var.endpoint
    iam                      = var.endpoint
    rds                      = var.endpoint
    sts                      = var.endpoint
    resourcegroupstaggingapi = var.endpoint
  }
}

data "aws_caller_identity" "here" {}

resource "aws_iam_role" "backup" {
  name = "terraform-AWSBackupServiceRole"
  path = "/service-role/"
  tags = { team = "platform" }

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "backup.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "backup" {
  for_each = toset(["ForBackup", "ForRestores"])

  role       = aws_iam_role.backup.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicy${each.key}"
}

resource "aws_backup_vault" "vault" {
  name          = "terraform"
  force_destroy = true
  tags          = { team = "platform", "with space" = "and /slash:colon" }
}

resource "aws_backup_vault" "copies" {
  name = "terraform-copies"
}

resource "aws_backup_vault_lock_configuration" "vault" {
  backup_vault_name  = aws_backup_vault.vault.name
  min_retention_days = 7
  max_retention_days = 365
}

resource "aws_backup_vault_policy" "vault" {
  backup_vault_name = aws_backup_vault.vault.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "KeepRecoveryPoints"
      Effect    = "Deny"
      Principal = { AWS = data.aws_caller_identity.here.account_id }
      Action    = ["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"]
      Resource  = "*"
    }]
  })
}

resource "aws_backup_plan" "daily" {
  name = "terraform-daily"
  tags = { team = "platform" }

  rule {
    rule_name           = "DailyBackups"
    target_vault_name   = aws_backup_vault.vault.name
    schedule            = "cron(0 5 ? * * *)"
    recovery_point_tags = { made = "daily" }

    lifecycle {
      delete_after = var.retention_days
    }
  }

  rule {
    rule_name                    = "Weekly"
    target_vault_name            = aws_backup_vault.vault.name
    schedule                     = "cron(30 3 ? * SUN *)"
    schedule_expression_timezone = "Europe/Berlin"
    start_window                 = 120
    completion_window            = 600

    lifecycle {
      delete_after = 90
    }

    copy_action {
      destination_vault_arn = aws_backup_vault.copies.arn

      lifecycle {
        delete_after = 120
      }
    }
  }
}

resource "aws_backup_selection" "tagged" {
  name         = "tagged"
  plan_id      = aws_backup_plan.daily.id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = ["*"]

  condition {
    string_equals {
      key   = "aws:ResourceTag/Environment"
      value = "production"
    }

    string_equals {
      key   = "aws:ResourceTag/ResourceType"
      value = "rdspg-fcj"
    }

    string_not_like {
      key   = "aws:ResourceTag/Stage"
      value = "test*"
    }
  }

  depends_on = [aws_iam_role_policy_attachment.backup]
}
