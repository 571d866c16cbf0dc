//! The sandbox alone: `cargo run -p strongroom-sandbox --example serve -- 127.0.0.1:4566`, then
//! `aws --endpoint-url http://127.0.0.1:4566 backup list-backup-vaults`. Ends on ctrl-c.

use strongroom_sandbox::{Sandbox, SandboxConfig};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = SandboxConfig::default();
    if let Some(listen) = std::env::args().nth(1) {
        config.listen = listen.parse()?;
    }
    let sandbox = Sandbox::bind(config).await?;
    #[expect(clippy::print_stdout, reason = "where it listens is all this program has to say")]
    {
        println!("export AWS_ENDPOINT_URL=http://{}", sandbox.local_addr()?);
    }
    let stop = CancellationToken::new();
    let interrupted = async {
        let interrupted = tokio::signal::ctrl_c().await;
        stop.cancel();
        interrupted
    };
    let ((), interrupted) = tokio::join!(sandbox.serve(stop.clone()), interrupted);
    Ok(interrupted?)
}
