//! The way to a server: where it is, whom to believe that it is the one, and what tells it who calls. Made of flags, the
//! environment and the contexts, in this order.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    address::Address,
    token::{Origin, Tokens},
};
use crate::{
    cli::{DEFAULT_SERVER, context::file::Contexts},
    config::{CONTEXT_VARIABLE, ClientEnvironment, SERVER_VARIABLE},
};

// Flags of every command that calls a server. No doc comment: clap would take it for the words of the command itself.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(in crate::cli) struct WayFlags {
    /// The server: https://HOST:PORT, http://HOST:PORT, unix:/PATH, or HOST:PORT, which is plain text on this machine and
    /// TLS elsewhere. Without it STRONGROOM_SERVER, else the context in use, else http://127.0.0.1:50051
    #[arg(long, value_name = "ADDRESS")]
    server: Option<String>,
    /// The named server to speak with, and how; see strongroom context. Without it STRONGROOM_CONTEXT
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    #[command(flatten)]
    credentials: Credentials,
}

// Whom to believe, and who calls: paths and commands, never a secret. No doc comment, as above.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[command(next_help_heading = "Connection")]
pub(in crate::cli) struct Credentials {
    /// Believe the server by the authorities of this PEM file instead of the system's
    #[arg(long, value_name = "FILE")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ca_file: Option<PathBuf>,
    /// The name that the server's certificate must have, where it is not the host's
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) server_name: Option<String>,
    /// The client's certificate (mTLS), PEM, those that lead to its authority after it
    #[arg(long, value_name = "FILE", requires = "key_file")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certificate_file: Option<PathBuf>,
    /// The private key of the client's certificate, PEM
    #[arg(long, value_name = "FILE", requires = "certificate_file")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key_file: Option<PathBuf>,
    /// A file with the token that says who calls. Without it STRONGROOM_TOKEN
    #[arg(long, value_name = "FILE", conflicts_with = "token_command")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_file: Option<PathBuf>,
    /// A line for `sh -c` that writes the token, or an ExecCredential of Kubernetes. It is run once, and again when the
    /// server does not take the token
    #[arg(long, value_name = "COMMAND")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_command: Option<String>,
}

impl Credentials {
    /// Its keys in the file of contexts.
    pub(in crate::cli) const KEYS: [&'static str; 6] =
        ["ca_file", "server_name", "certificate_file", "key_file", "token_file", "token_command"];

    /// With paths that lead to the same files from everywhere.
    pub(in crate::cli) fn absolute(mut self) -> Result<Self, String> {
        for path in [&mut self.ca_file, &mut self.certificate_file, &mut self.key_file, &mut self.token_file]
            .into_iter()
            .flatten()
        {
            *path = std::path::absolute(&*path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(self)
    }

    /// What there is, in words for a table.
    pub(in crate::cli) fn kinds(&self) -> Vec<&'static str> {
        [
            (self.token_command.is_some(), "token command"),
            (self.token_file.is_some(), "token file"),
            (self.certificate_file.is_some(), "certificate"),
            (self.ca_file.is_some(), "own authority"),
        ]
        .into_iter()
        .filter_map(|(there, kind)| there.then_some(kind))
        .collect()
    }

    /// These, and what they do not say from another's. A certificate and its key stay together, and so does a token.
    fn over(&self, other: &Self, environment: &ClientEnvironment) -> (Self, Origin) {
        let pair = if self.certificate_file.is_some() { self } else { other };
        let origin = match (self.origin(), &environment.token) {
            (Origin::Nowhere, Some(token)) => Origin::Variable(token.clone()),
            (Origin::Nowhere, None) => other.origin(),
            (said, _) => said,
        };
        let whole = Self {
            ca_file: self.ca_file.clone().or_else(|| other.ca_file.clone()),
            server_name: self.server_name.clone().or_else(|| other.server_name.clone()),
            certificate_file: pair.certificate_file.clone(),
            key_file: pair.key_file.clone(),
            token_file: None,
            token_command: None,
        };
        (whole, origin)
    }

    fn origin(&self) -> Origin {
        match (&self.token_command, &self.token_file) {
            (Some(line), _) => Origin::Command(line.clone()),
            (None, Some(path)) => Origin::File(path.clone()),
            (None, None) => Origin::Nowhere,
        }
    }

    /// A flag that means TLS.
    fn of_tls(&self) -> Option<&'static str> {
        let said = [
            (self.ca_file.is_some(), "--ca-file"),
            (self.certificate_file.is_some(), "--certificate-file"),
            (self.server_name.is_some(), "--server-name"),
        ];
        said.into_iter().find_map(|(there, flag)| there.then_some(flag))
    }
}

/// The way to a server.
#[derive(Debug)]
pub(in crate::cli) struct Way {
    pub(super) address: Address,
    pub(super) credentials: Credentials,
    pub(super) tokens: Tokens,
}

/// Where it leads.
impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl Way {
    /// By flags, the process's environment and the user's contexts.
    pub(in crate::cli) fn of_process(flags: &WayFlags) -> Result<Self, String> {
        Self::find(flags, &ClientEnvironment::of_process()?)
    }

    fn find(flags: &WayFlags, environment: &ClientEnvironment) -> Result<Self, String> {
        let both =
            |server: &str, context: &str| format!("{server} and {context} both say where the server is: say one");
        let contexts = || environment.contexts.as_deref().map_or_else(|| Ok(Contexts::default()), Contexts::read);
        let named = |name: &str| {
            let contexts = contexts()?;
            contexts.named(name).map(|context| (context.server.clone(), context.credentials.clone()))
        };
        let alone = |server: &str| (server.to_owned(), Credentials::default());
        // The innermost that says where the server is says it whole: a context's token goes to that context's server alone.
        let said = match (&flags.server, &flags.context, &environment.server, &environment.context) {
            (Some(_), Some(_), _, _) => return Err(both("--server", "--context")),
            (Some(server), None, _, _) if !server.is_empty() => Some(alone(server)),
            (_, Some(name), _, _) => Some(named(name)?),
            (_, None, Some(_), Some(_)) => return Err(both(SERVER_VARIABLE, CONTEXT_VARIABLE)),
            (_, None, Some(server), None) => Some(alone(server)),
            (_, None, None, Some(name)) => Some(named(name)?),
            (_, None, None, None) => {
                contexts()?.in_use()?.map(|(_, context)| (context.server.clone(), context.credentials.clone()))
            }
        };
        let (server, of_context) = said.unwrap_or_else(|| alone(DEFAULT_SERVER));
        let (credentials, origin) = flags.credentials.over(&of_context, environment);
        Self::checked(&server, credentials, origin)
    }

    /// What a context says, if a command could go by it.
    pub(in crate::cli) fn of_context(server: &str, credentials: &Credentials) -> Result<Self, String> {
        Self::checked(server, credentials.clone(), credentials.origin())
    }

    /// To an address alone, with nothing that says who calls.
    #[cfg(test)]
    pub(in crate::cli) fn to(server: &str) -> Result<Self, String> {
        Self::of_context(server, &Credentials::default())
    }

    fn checked(server: &str, credentials: Credentials, origin: Origin) -> Result<Self, String> {
        let address = Address::parse(server, credentials.of_tls().is_some())?;
        if credentials.certificate_file.is_some() != credentials.key_file.is_some() {
            return Err("--certificate-file and --key-file go together".to_owned());
        }
        if let (Some(flag), Address::Plain(_) | Address::Unix(_)) = (credentials.of_tls(), &address) {
            return Err(format!("{flag} is for TLS, and {address} is plain text: write https://HOST:PORT"));
        }
        let tokens = Tokens::new(origin);
        if tokens.any() && !address.is_private() {
            return Err(format!(
                "everybody on the way to {address} could read the token: write https://HOST:PORT, or call without a token"
            ));
        }
        Ok(Self { address, credentials, tokens })
    }

    /// What helps when the server does not know the caller.
    pub(in crate::cli) fn advice(&self) -> String {
        self.tokens.advice(self.credentials.certificate_file.as_deref())
    }

    /// What grpcurl is told for the same way.
    pub(in crate::cli) fn grpcurl(&self) -> (String, String) {
        let Credentials { ca_file, server_name, certificate_file, key_file, .. } = &self.credentials;
        let mut flags = String::new();
        let mut add = |flag: &str, value: Option<&str>| {
            flags.push_str(flag);
            flags.push(' ');
            if let Some(value) = value {
                flags.push_str(value);
                flags.push(' ');
            }
        };
        let shown = |path: &Path| path.display().to_string();
        match &self.address {
            Address::Plain(_) | Address::Unix(_) => add("-plaintext", None),
            Address::Tls(_) => {}
        }
        for (flag, path) in [("-cacert", ca_file), ("-cert", certificate_file), ("-key", key_file)] {
            if let Some(path) = path {
                add(flag, Some(&shown(path)));
            }
        }
        if let Some(name) = server_name {
            add("-servername", Some(name));
        }
        if self.tokens.any() {
            // The shell puts it in; here it is not shown.
            add("-H", Some("\"authorization: Bearer $TOKEN\""));
        }
        let place = match &self.address {
            Address::Unix(path) => format!("unix://{}", path.display()),
            Address::Plain(authority) => authority.to_string(),
            Address::Tls(authority) if authority.port().is_none() => format!("{authority}:443"),
            Address::Tls(authority) => authority.to_string(),
        };
        (flags, place)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::Secret;

    const CONTEXTS: &str = r#"
        use = "staging"
        [contexts.staging]
        server = "staging.example.com:443"
        token_command = "echo staging"
        [contexts.production]
        server = "https://production.example.com"
        certificate_file = "/c.pem"
        key_file = "/k.pem"
    "#;

    struct User {
        _folder: tempfile::TempDir,
        environment: ClientEnvironment,
    }

    fn user() -> User {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contexts.toml");
        fs::write(&path, CONTEXTS).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        User { environment: ClientEnvironment { contexts: Some(path), ..Default::default() }, _folder: folder }
    }

    fn flags(server: Option<&str>, context: Option<&str>) -> WayFlags {
        WayFlags {
            server: server.map(str::to_owned),
            context: context.map(str::to_owned),
            credentials: Credentials::default(),
        }
    }

    #[test]
    fn flags_win_over_the_environment_that_over_the_context_in_use_and_that_over_the_default() {
        let mut user = user();
        let find = |flags: &WayFlags, user: &User| {
            let way = Way::find(flags, &user.environment).unwrap();
            (way.to_string(), way.tokens.origin)
        };
        let staging = ("https://staging.example.com:443".to_owned(), Origin::Command("echo staging".to_owned()));
        assert_eq!(find(&flags(None, None), &user), staging);
        assert_eq!(find(&flags(Some(""), None), &user), staging);
        let production = ("https://production.example.com".to_owned(), Origin::Nowhere);
        assert_eq!(find(&flags(None, Some("production")), &user), production);
        // The token of a context goes nowhere else.
        let named = ("https://s:1".to_owned(), Origin::Nowhere);
        assert_eq!(find(&flags(Some("https://s:1"), None), &user), named);
        user.environment.context = Some("production".to_owned());
        assert_eq!(find(&flags(None, None), &user), production);
        assert_eq!(find(&flags(None, Some("staging")), &user), staging);
        assert_eq!(find(&flags(Some("https://s:1"), None), &user), named);
        user.environment.context = None;
        user.environment.server = Some("https://e:1".to_owned());
        assert_eq!(find(&flags(None, None), &user), ("https://e:1".to_owned(), Origin::Nowhere));
        assert_eq!(find(&flags(None, Some("staging")), &user), staging);
        user.environment.contexts = None;
        user.environment.server = None;
        assert_eq!(find(&flags(None, None), &user), (DEFAULT_SERVER.to_owned(), Origin::Nowhere));
    }

    #[test]
    fn two_that_say_where_the_server_is_are_refused() {
        let mut user = user();
        let why = Way::find(&flags(Some("https://s"), Some("staging")), &user.environment).unwrap_err();
        assert!(why.contains("--server and --context"), "{why}");
        user.environment.server = Some("https://s".to_owned());
        user.environment.context = Some("staging".to_owned());
        let why = Way::find(&flags(None, None), &user.environment).unwrap_err();
        assert!(why.contains("STRONGROOM_SERVER and STRONGROOM_CONTEXT"), "{why}");
    }

    #[test]
    fn a_token_of_flags_wins_over_the_variable_s_and_that_over_the_context_s() {
        let mut user = user();
        user.environment.token = Some(Secret::new("t"));
        let mut flags = flags(None, None);
        let origin = |flags: &WayFlags, user: &User| Way::find(flags, &user.environment).unwrap().tokens.origin;
        assert_eq!(origin(&flags, &user), Origin::Variable(Secret::new("t")));
        flags.credentials.token_file = Some("/t".into());
        assert_eq!(origin(&flags, &user), Origin::File("/t".into()));
    }

    #[test]
    fn what_others_could_read_or_what_does_not_fit_is_refused() {
        let token = Credentials { token_command: Some("echo".to_owned()), ..Default::default() };
        let certificates = Credentials { ca_file: Some("/ca.pem".into()), ..Default::default() };
        let half = Credentials { key_file: Some("/k.pem".into()), ..Default::default() };
        for (server, credentials, told) in [
            ("http://10.0.0.1:1", &token, "could read the token"),
            ("http://127.0.0.1:1", &certificates, "--ca-file is for TLS"),
            ("unix:/x", &certificates, "--ca-file is for TLS"),
            ("https://s", &half, "go together"),
        ] {
            let why = Way::of_context(server, credentials).unwrap_err();
            assert!(why.contains(told), "{server}: {why}");
        }
        for server in ["http://localhost:1", "unix:/x", "https://s", "s:1"] {
            Way::of_context(server, &token).unwrap();
        }
    }
}
