//! The processes that are measured: started with their port free to choose, read from their log, ended when dropped.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

/// The server and the sandbox of this build.
pub(crate) const STRONGROOM: &str = env!("CARGO_BIN_EXE_strongroom");

/// Several servers run at once, and each is measured with all it has.
pub(crate) const ADMIN: [&str; 2] = ["--admin-listen", "127.0.0.1:0"];

/// A child process with the port that it listens on.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    pub(crate) address: String,
}

impl Running {
    /// Starts a command and waits for the first line of its standard error that names an address of loopback.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{command:?} cannot be started"))?;
        let mut lines = BufReader::new(child.stderr.take().context("no standard error")?);
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                bail!("{command:?} ended without saying where it listens:\n{said}");
            }
            if let Some(address) = address_in(&line) {
                break address;
            }
            said.push_str(&line);
        };
        // What nobody reads would fill the pipe and stop the process.
        thread::spawn(move || lines.lines().map_while(Result::ok).for_each(drop));
        Ok(Self { child, address })
    }

    /// The sandbox, as a process of its own.
    pub(crate) fn sandbox() -> Result<Self> {
        Self::start(Command::new(STRONGROOM).args(["sandbox", "--listen", "127.0.0.1:0"]))
    }

    /// A server that works on a sandbox, with settings such as `server.reflection=false`.
    pub(crate) fn server<S: AsRef<str>>(binary: &Path, sandbox: &Self, settings: &[S]) -> Result<Self> {
        let mut command = server_command(Command::new(binary), sandbox, settings);
        if binary == Path::new(STRONGROOM) {
            // An older server has no admin port.
            command.args(ADMIN);
        }
        Self::start(&mut command)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Resident memory in MiB: now, and the most so far.
    pub(crate) fn resident(&self) -> Result<(f64, f64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).context("the process has ended")?;
        let of = |key: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(key))?;
            value.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<f64>().ok().map(|kib| kib / 1024.0)
        };
        of("VmRSS").zip(of("VmHWM")).context("the process has ended")
    }

    /// Has the sandbox that it is answer every request so much later.
    pub(crate) async fn slow_down(&self, milliseconds: u32) -> Result<()> {
        let fault = json!({ "rate": 1, "effect": { "delay_ms": milliseconds } });
        let url = format!("{}/_sandbox/faults", self.url());
        reqwest::Client::new().post(url).json(&fault).send().await?.error_for_status()?;
        Ok(())
    }

    /// Has the sandbox that it is answer at once again.
    pub(crate) async fn speed_up(&self) -> Result<()> {
        let url = format!("{}/_sandbox/faults", self.url());
        reqwest::Client::new().delete(url).send().await?.error_for_status()?;
        Ok(())
    }

    /// Ends it as an orchestrator would, so that tools around it write what they have.
    pub(crate) fn terminate(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

/// The command of a server that works on a sandbox. Nothing of the caller's environment gets in.
pub(crate) fn server_command<S: AsRef<str>>(mut command: Command, sandbox: &Running, settings: &[S]) -> Command {
    command.env_clear();
    for (key, value) in [
        ("AWS_ACCESS_KEY_ID", "bench"),
        ("AWS_SECRET_ACCESS_KEY", "bench"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("PATH", "/usr/bin:/bin"),
        // What is measured is what calls cost.
        ("STRONGROOM_FEED__ENABLED", "false"),
        ("STRONGROOM_LEDGER__PATH", ":memory:"),
    ] {
        command.env(key, value);
    }
    command.args(["serve", "--listen", "127.0.0.1:0", "--set", "aws.region=us-east-1", "--set"]);
    command.arg(format!("aws.endpoint_url={}", sandbox.url()));
    for setting in settings {
        command.args(["--set", setting.as_ref()]);
    }
    command
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address_in(line: &str) -> Option<String> {
    // The sandbox that a server works on stands in its first line too.
    let line = line.split("aws.endpoint_url").next()?;
    let (_, rest) = line.split_once("address=").or_else(|| line.split_once("sandbox="))?;
    let rest = &rest[rest.find("127.0.0.1:")?..];
    let port: String = rest["127.0.0.1:".len()..].chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("127.0.0.1:{port}"))
}
