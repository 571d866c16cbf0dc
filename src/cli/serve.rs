//! `serve`: the gRPC API, on real AWS or on the embedded sandbox.

use super::{FAILED, failed, flags::ServeFlags, live, tell};
use crate::{
    app::{self, Neighbour},
    config::{LogFormat, Url},
};

const EXAMPLES: &str = "\
AWS credentials come by the normal chain: environment, profile, web identity, container, instance.

Examples:
  strongroom serve --sandbox                                  everything on this machine, nothing real
  strongroom serve --region eu-central-1 --profile backup-admin
  strongroom serve --config /etc/strongroom.toml --listen 0.0.0.0:50051 --log-format json
  grpcurl -plaintext 127.0.0.1:50051 strongroom.v1.ServerService/GetServerInfo";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Serve on the embedded sandbox instead of AWS: nothing is real, and all is gone when it stops
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    flags: ServeFlags,
}

const BANNER: &str = "\
************************************************************************
*  SANDBOX: nothing here is real. No backup is made, no AWS is called,  *
*  and everything is gone when this process stops.                      *
************************************************************************";

pub(super) fn run(args: &Args) -> u8 {
    let loaded = match args.flags.load() {
        Ok(loaded) => loaded,
        Err(error) => return failed(&error.into()),
    };
    let neighbour = if args.sandbox { Neighbour::Sandbox } else { Neighbour::Aws };
    if args.sandbox {
        if let Some(url) = &loaded.config.aws.endpoint_url {
            let url = url.as_str();
            tell(format_args!("error: --sandbox and aws.endpoint_url = {url:?} exclude each other; leave one out"));
            return FAILED;
        }
        // A log for machines says so in a line of its own, and has nothing else in it.
        if loaded.config.log.format == LogFormat::Text {
            tell(BANNER);
        }
    }
    live(&loaded, async |life| {
        let running = app::start(&loaded.config, neighbour, &life).await?;
        if let Some(address) = running.sandbox {
            let url = Url::to(address);
            tracing::warn!(sandbox = url.as_str(), "SANDBOX: nothing is real; AWS is the embedded sandbox");
        }
        let admin = running.admin.map(tracing::field::display);
        tracing::info!(address = %running.grpc, admin, version = crate::VERSION, "serving gRPC");
        Ok(())
    })
}
