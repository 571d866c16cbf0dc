# Every attribute that the AWS provider's backup resources have for vaults, plans and selections, at least once, in the
# way that modules set them: from maps, by for_each and dynamic blocks.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "us-east-1"

  default_tags {
    tags = { managed-by = "terraform" }
  }
}

provider "aws" {
  alias  = "ireland"
  region = "eu-west-1"
}

locals {
  tags = { Team = "platform", "cost centre" = "42/a:b" }

  rules = {
    # Five minutes past every sixth hour of working days, in a zone with daylight saving.
    often = {
      schedule          = "cron(5 0/6 ? * MON-FRI *)"
      timezone          = "America/New_York"
      start_window      = 60
      completion_window = 120
      continuous        = true
      tags              = { made = "often" }
      lifecycle         = [{ delete_after = 35, cold_storage_after = null }]
      copies            = []
    }
    monthly = {
      schedule          = "cron(0 3 L * ? *)"
      timezone          = null
      start_window      = 480
      completion_window = 10080
      continuous        = false
      tags              = {}
      lifecycle         = [{ delete_after = 400, cold_storage_after = 30 }]
      copies = [
        { vault = aws_backup_vault.vault["copies"].arn, lifecycle = [{ delete_after = 120, cold_storage_after = 7 }] },
        { vault = aws_backup_vault.ireland.arn, lifecycle = [{ delete_after = 90, cold_storage_after = null }] },
      ]
    }
    # No lifecycle: kept for ever, and so is its copy, which has none of its own.
    archive = {
      schedule          = "cron(30 22 ? JAN,JUL SUN#1 2026-2030)"
      timezone          = "Asia/Kolkata"
      start_window      = 120
      completion_window = 600
      continuous        = false
      tags              = { made = "archive", "kept" = "for ever" }
      lifecycle         = []
      copies            = [{ vault = aws_backup_vault.ireland.arn, lifecycle = [] }]
    }
  }

  selections = {
    all-of = {
      resources = ["*"]
      not_resources = [
        "arn:aws:rds:us-east-1:123456789012:db:rdspg-paused",
        "arn:aws:dynamodb:*:*:table/*",
      ]
      conditions = {
        string_equals     = { Environment = "production", "cost centre" = "42" }
        string_not_equals = { Backup = "false" }
        string_like       = { Application = "app*" }
        string_not_like   = { Stage = "test*" }
      }
      tags = {}
    }
    any-of = {
      resources     = []
      not_resources = []
      conditions    = {}
      tags          = { Environment = "production", Owner = "data" }
    }
    both = {
      resources     = ["arn:aws:rds:*:*:db:*"]
      not_resources = []
      conditions    = { string_equals = { Environment = "production" } }
      tags          = { Owner = "data" }
    }
    by-arn = {
      resources = [
        "arn:aws:rds:us-east-1:123456789012:db:rdspg-fcj-labs",
        "arn:aws:rds:us-east-1:123456789012:cluster:*",
      ]
      not_resources = []
      conditions    = {}
      tags          = {}
    }
  }
}

data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["backup.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "tagging" {
  statement {
    actions   = ["backup:ListTags", "backup:TagResource", "tag:GetResources"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "backup" {
  name               = "everything"
  path               = "/service-role/"
  description        = "What AWS Backup assumes."
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = local.tags
}

# As modules of some age write it: an effect in small letters, which IAM takes in trust policies.
resource "aws_iam_role" "plain" {
  name_prefix = "plain-"

  assume_role_policy = <<-JSON
    {
      "Version": "2012-10-17",
      "Statement": [
        {"Effect": "allow", "Action": ["sts:AssumeRole"], "Principal": {"Service": ["backup.amazonaws.com"]}}
      ]
    }
  JSON
}

resource "aws_iam_role_policy_attachment" "aws" {
  for_each = toset([
    "service-role/AWSBackupServiceRolePolicyForBackup",
    "service-role/AWSBackupServiceRolePolicyForRestores",
    "AWSBackupServiceRolePolicyForS3Backup",
    "AWSBackupServiceRolePolicyForS3Restore",
  ])

  role       = aws_iam_role.backup.name
  policy_arn = "arn:${data.aws_partition.here.partition}:iam::aws:policy/${each.key}"
}

resource "aws_iam_policy" "tagging" {
  name        = "everything-tagging"
  description = "Tags of recovery points."
  policy      = data.aws_iam_policy_document.tagging.json
  tags        = local.tags
}

resource "aws_iam_role_policy_attachment" "tagging" {
  role       = aws_iam_role.backup.name
  policy_arn = aws_iam_policy.tagging.arn
}

resource "aws_iam_role_policy" "inline" {
  name   = "inline"
  role   = aws_iam_role.backup.id
  policy = data.aws_iam_policy_document.tagging.json
}

resource "aws_backup_vault" "vault" {
  for_each = toset(["nightly", "copies", "locked"])

  name          = each.key
  force_destroy = each.key == "nightly"
  tags          = local.tags
}

resource "aws_backup_vault" "ireland" {
  provider = aws.ireland
  name     = "nightly"
}

resource "aws_backup_vault_lock_configuration" "governance" {
  backup_vault_name  = aws_backup_vault.vault["copies"].name
  min_retention_days = 7
}

# Compliance: in its grace time it can still be removed.
resource "aws_backup_vault_lock_configuration" "compliance" {
  backup_vault_name   = aws_backup_vault.vault["locked"].name
  changeable_for_days = 3
  min_retention_days  = 30
  max_retention_days  = 3650
}

resource "aws_backup_vault_policy" "nightly" {
  backup_vault_name = aws_backup_vault.vault["nightly"].name

  policy = jsonencode({
    Version = "2012-10-17"
    Id      = "from the modules"
    Statement = [
      {
        Sid       = "KeepRecoveryPoints"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"]
        Resource  = "*"
        Condition = { StringNotLike = { "aws:userid" = ["AROAEXAMPLE:*"] } }
      },
      {
        Effect    = "Allow"
        Principal = { AWS = data.aws_caller_identity.here.account_id }
        Action    = "backup:CopyIntoBackupVault"
        Resource  = "*"
      },
    ]
  })
}

resource "aws_backup_vault_notifications" "nightly" {
  backup_vault_name   = aws_backup_vault.vault["nightly"].name
  sns_topic_arn       = "arn:aws:sns:us-east-1:123456789012:backup-events"
  backup_vault_events = ["BACKUP_JOB_COMPLETED", "COPY_JOB_FAILED", "RESTORE_JOB_COMPLETED"]
}

resource "aws_backup_region_settings" "here" {
  resource_type_opt_in_preference = {
    "Aurora"                 = true
    "CloudFormation"         = true
    "DocumentDB"             = true
    "DynamoDB"               = false
    "EBS"                    = true
    "EC2"                    = true
    "EFS"                    = false
    "EKS"                    = true
    "FSx"                    = true
    "Neptune"                = true
    "RDS"                    = true
    "Redshift"               = true
    "S3"                     = true
    "SAP HANA on Amazon EC2" = true
    "Storage Gateway"        = true
    "Timestream"             = true
    "VirtualMachine"         = true
  }

  resource_type_management_preference = {
    "DynamoDB" = true
    "EFS"      = true
  }
}

resource "aws_backup_plan" "plan" {
  name = "everything"
  tags = local.tags

  dynamic "rule" {
    for_each = local.rules

    content {
      rule_name                    = rule.key
      target_vault_name            = aws_backup_vault.vault["nightly"].name
      schedule                     = rule.value.schedule
      schedule_expression_timezone = rule.value.timezone
      start_window                 = rule.value.start_window
      completion_window            = rule.value.completion_window
      enable_continuous_backup     = rule.value.continuous
      recovery_point_tags          = rule.value.tags

      dynamic "lifecycle" {
        for_each = rule.value.lifecycle

        content {
          delete_after       = lifecycle.value.delete_after
          cold_storage_after = lifecycle.value.cold_storage_after

          opt_in_to_archive_for_supported_resources = lifecycle.value.cold_storage_after != null
        }
      }

      dynamic "copy_action" {
        for_each = rule.value.copies

        content {
          destination_vault_arn = copy_action.value.vault

          dynamic "lifecycle" {
            for_each = copy_action.value.lifecycle

            content {
              delete_after       = lifecycle.value.delete_after
              cold_storage_after = lifecycle.value.cold_storage_after
            }
          }
        }
      }
    }
  }

  advanced_backup_setting {
    resource_type  = "EC2"
    backup_options = { WindowsVSS = "enabled" }
  }
}

# As little as a plan can have. Without a schedule Terraform would never be content: AWS fills one in.
resource "aws_backup_plan" "least" {
  name = "least"

  rule {
    rule_name         = "by-default"
    target_vault_name = aws_backup_vault.vault["nightly"].name
    schedule          = "cron(0 5 ? * * *)"
  }
}

resource "aws_backup_selection" "selection" {
  for_each = local.selections

  name          = each.key
  plan_id       = aws_backup_plan.plan.id
  iam_role_arn  = aws_iam_role.backup.arn
  resources     = each.value.resources
  not_resources = each.value.not_resources

  condition {
    dynamic "string_equals" {
      for_each = lookup(each.value.conditions, "string_equals", {})

      content {
        key   = "aws:ResourceTag/${string_equals.key}"
        value = string_equals.value
      }
    }

    dynamic "string_not_equals" {
      for_each = lookup(each.value.conditions, "string_not_equals", {})

      content {
        key   = "aws:ResourceTag/${string_not_equals.key}"
        value = string_not_equals.value
      }
    }

    dynamic "string_like" {
      for_each = lookup(each.value.conditions, "string_like", {})

      content {
        key   = "aws:ResourceTag/${string_like.key}"
        value = string_like.value
      }
    }

    dynamic "string_not_like" {
      for_each = lookup(each.value.conditions, "string_not_like", {})

      content {
        key   = "aws:ResourceTag/${string_not_like.key}"
        value = string_not_like.value
      }
    }
  }

  dynamic "selection_tag" {
    for_each = each.value.tags

    content {
      type  = "STRINGEQUALS"
      key   = selection_tag.key
      value = selection_tag.value
    }
  }

  depends_on = [aws_iam_role_policy_attachment.aws]
}
