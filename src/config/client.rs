//! What the environment tells the client commands. None of it is a key of the configuration: who has it set can serve all
//! the same.

use std::{fmt, path::PathBuf};

/// Where the client commands find their server.
pub const SERVER_VARIABLE: &str = "STRONGROOM_SERVER";

/// By which of the named contexts they go.
pub const CONTEXT_VARIABLE: &str = "STRONGROOM_CONTEXT";

/// The file of the named contexts.
pub const CONTEXTS_VARIABLE: &str = "STRONGROOM_CONTEXTS";

/// The token that says who calls. There is no flag for it: everybody on a machine sees the command lines of all.
pub const TOKEN_VARIABLE: &str = "STRONGROOM_TOKEN";

/// All of them, which the configuration leaves alone.
pub(super) const CLIENT_VARIABLES: [&str; 4] = [SERVER_VARIABLE, CONTEXT_VARIABLE, CONTEXTS_VARIABLE, TOKEN_VARIABLE];

/// A text that is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A text that is secret from here on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to be sent and not to be shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The variables that client commands heed. One that is set to nothing, as one nobody filled in, is as good as not set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientEnvironment {
    /// [`SERVER_VARIABLE`].
    pub server: Option<String>,
    /// [`CONTEXT_VARIABLE`].
    pub context: Option<String>,
    /// [`TOKEN_VARIABLE`].
    pub token: Option<Secret>,
    /// Where the named contexts are, or would be; none where nothing says where a user's files are.
    pub contexts: Option<PathBuf>,
}

impl ClientEnvironment {
    /// The process's own.
    ///
    /// # Errors
    /// A variable that is not UTF-8, by its name.
    pub fn of_process() -> Result<Self, String> {
        Self::read(|name| std::env::var_os(name))
    }

    fn read(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<Self, String> {
        let filled = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| {
            let value = filled(name).map(std::ffi::OsString::into_string).transpose();
            value.map_err(|_| format!("{name} is not UTF-8: set it to readable text, or unset it"))
        };
        let folder = filled("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            // The specification of these folders has relative ones ignored.
            .filter(|folder| folder.is_absolute())
            .or_else(|| filled("HOME").map(|home| PathBuf::from(home).join(".config")));
        Ok(Self {
            server: text(SERVER_VARIABLE)?,
            context: text(CONTEXT_VARIABLE)?,
            token: text(TOKEN_VARIABLE)?.map(Secret),
            contexts: filled(CONTEXTS_VARIABLE)
                .map(PathBuf::from)
                .or_else(|| folder.map(|folder| folder.join("strongroom/contexts.toml"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> ClientEnvironment {
        ClientEnvironment::read(|name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).into()))
            .unwrap()
    }

    #[test]
    fn contexts_are_where_a_user_s_configuration_is() {
        for (set, expected) in [
            (vec![("HOME", "/home/ada")], Some("/home/ada/.config/strongroom/contexts.toml")),
            (vec![("HOME", "/home/ada"), ("XDG_CONFIG_HOME", "/x")], Some("/x/strongroom/contexts.toml")),
            (vec![("HOME", "/home/ada"), ("XDG_CONFIG_HOME", "x")], Some("/home/ada/.config/strongroom/contexts.toml")),
            (vec![("HOME", "/home/ada"), (CONTEXTS_VARIABLE, "mine.toml")], Some("mine.toml")),
            (vec![], None),
        ] {
            assert_eq!(read(&set).contexts, expected.map(PathBuf::from), "{set:?}");
        }
    }

    #[test]
    fn a_variable_without_a_value_is_not_set_and_a_token_is_not_shown() {
        assert_eq!(read(&[(SERVER_VARIABLE, ""), (CONTEXT_VARIABLE, ""), (TOKEN_VARIABLE, "")]), read(&[]));
        let shown = format!("{:?}", read(&[(TOKEN_VARIABLE, "hunter2")]));
        assert!(shown.contains("token") && !shown.contains("hunter2"), "{shown}");
    }
}
