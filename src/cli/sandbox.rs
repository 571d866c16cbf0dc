//! `sandbox`: the AWS neighbour alone, for people who just want an AWS Backup to test against.

use super::{failed, flags::SandboxFlags, live, tell};
use crate::{
    app::sandbox::{Role, start},
    config::{Clock, SandboxConfig, Url},
};

const EXAMPLES: &str = "\
Speaks the wire protocols of AWS Backup, IAM, RDS, STS and Resource Groups Tagging on one port. Everything is kept in
memory and gone when it stops. The clock, faults and a look at the state are at /_sandbox/.

Examples:
  strongroom sandbox
  strongroom sandbox --speed 3600                                      an hour each second
  strongroom sandbox --clock manual --start 2026-01-31T04:00:00Z
  curl -X POST localhost:4566/_sandbox/clock -d '{\"advance\": \"PT25H\"}'  move its time";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) flags: SandboxFlags,
}

pub(super) fn run(args: &Args) -> u8 {
    let loaded = match args.flags.load() {
        Ok(loaded) => loaded,
        Err(error) => return failed(&error.into()),
    };
    let config = &loaded.config.sandbox;
    live(&loaded, async |life| {
        let address = start(config, Role::Server, &life).await?;
        tracing::info!(%address, "the sandbox listens; nothing in it is real");
        tell(how_to_use(&Url::to(address), config));
        Ok(())
    })
}

/// What to tell AWS CLI, boto3 and Terraform.
fn how_to_use(url: &Url, config: &SandboxConfig) -> String {
    let (url, region, account) = (url.as_str(), config.region.as_str(), config.account.as_str());
    let time = match config.clock {
        Clock::Auto if config.speed == 1.0 => "runs as on the wall".to_owned(),
        Clock::Auto => format!("runs {} times as fast as on the wall", config.speed),
        Clock::Manual => "stands still until you move it".to_owned(),
    };
    format!(
        r#"
The sandbox listens on {url} (account {account}, region {region}). Nothing in it is real.

AWS CLI, boto3 and every SDK:
  export AWS_ENDPOINT_URL={url} AWS_REGION={region} AWS_DEFAULT_REGION={region}
  export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox AWS_EC2_METADATA_DISABLED=true
  aws backup list-backup-vaults
  aws rds describe-db-instances

Terraform:
  provider "aws" {{
    region                      = "{region}"
    access_key                  = "sandbox"
    secret_key                  = "sandbox"
    skip_metadata_api_check     = true
    skip_region_validation      = true
    endpoints {{
      backup = "{url}"
      iam    = "{url}"
      rds    = "{url}"
      sts    = "{url}"
    }}
  }}

Time {time}:
  curl {url}/_sandbox/clock
  curl -X POST {url}/_sandbox/clock -d '{{"advance": "PT25H"}}'

Ctrl-C stops it.
"#
    )
}
