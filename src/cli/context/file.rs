//! The file of named contexts: servers with the way to each. It holds no secrets, but says which commands are run, so
//! nobody else may write it, and it tells where secrets are, so nobody else may read it.

use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Read as _, Write as _},
    iter,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::cli::client::way::Credentials;

/// Enough for thousands of contexts; a path to something else is noticed before memory is.
const MAX_BYTES: u64 = 1 << 20;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Contexts {
    /// The context that holds where nothing else is said.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub(super) in_use: Option<String>,
    #[serde(default)]
    pub(super) contexts: BTreeMap<String, Context>,
}

/// A server and how it is spoken with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub(in crate::cli) struct Context {
    pub(in crate::cli) server: String,
    #[serde(flatten)]
    pub(in crate::cli) credentials: Credentials,
}

/// A context as it stands in the file, with what nobody knows: a slip would else be a way that is less guarded than its owner
/// believes, and be gone when the file is next written.
#[derive(Debug, Deserialize)]
struct Written {
    server: String,
    #[serde(flatten)]
    credentials: Credentials,
    #[serde(flatten)]
    unknown: BTreeMap<String, IgnoredAny>,
}

impl TryFrom<Written> for Context {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Some(key) = written.unknown.into_keys().next() else {
            return Ok(Self { server: written.server, credentials: written.credentials });
        };
        let known: Vec<&str> = iter::once("server").chain(Credentials::KEYS).collect();
        Err(match close(&key, &known) {
            Some(close) => format!("there is no key {key:?}; did you mean {close:?}?"),
            None => format!("there is no key {key:?}, but {}", known.join(", ")),
        })
    }
}

/// The word that was meant, where it is hardly another.
fn close<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let nearest = known.iter().map(|known| (strsim::damerau_levenshtein(known, word), *known)).min();
    nearest.filter(|(distance, _)| *distance <= 2).map(|(_, known)| known)
}

impl Contexts {
    /// What the file says; a file that is not there says nothing.
    pub(in crate::cli) fn read(path: &Path) -> Result<Self, String> {
        let wrong = |why: String| format!("{} {why}", path.display());
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
        };
        private(&file, path)?;
        let mut text = String::new();
        let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
        read.map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if text.len() as u64 > MAX_BYTES {
            return Err(wrong(format!("is larger than {MAX_BYTES} bytes")));
        }
        toml::from_str(&text).map_err(|error| wrong(format!("is no file of contexts: {error}")))
    }

    /// The context of this name.
    pub(in crate::cli) fn named(&self, name: &str) -> Result<&Context, String> {
        self.contexts.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.contexts.keys().map(String::as_str).collect();
            match close(name, &known) {
                Some(close) => format!("there is no context {name:?}; did you mean {close:?}?"),
                None if known.is_empty() => {
                    format!("there is no context {name:?}; make it with: strongroom context add {name} --server …")
                }
                None => format!("there is no context {name:?}, but {}", known.join(", ")),
            }
        })
    }

    /// The one in use, with its name.
    pub(in crate::cli) fn in_use(&self) -> Result<Option<(&str, &Context)>, String> {
        let Some(name) = self.in_use.as_deref() else { return Ok(None) };
        self.named(name).map(|context| Some((name, context)))
    }

    /// Puts this into the file, whole or not at all. Who reads meanwhile sees what was there.
    pub(super) fn write(&self, path: &Path) -> Result<(), String> {
        let wrong = |why: String| format!("{} cannot be written: {why}", path.display());
        let text = toml::to_string_pretty(self).map_err(|error| wrong(error.to_string()))?;
        // One that is a link, such as into a folder of dotfiles, stays one.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folders(folder).map_err(|error| wrong(error.to_string()))?;
        let beside = beside(&path);
        let written = private_file(&beside).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)
        });
        written.map_err(|error| {
            _ = fs::remove_file(&beside);
            wrong(error.to_string())
        })
    }
}

/// In the same folder, for a rename does not leave a file system.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", uuid::Uuid::new_v4().simple()));
    path.with_file_name(name)
}

#[cfg(unix)]
fn folders(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(unix)]
fn private_file(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Whether the file is the user's who runs this, and nobody else may read or write it. It was opened before: nobody can put
/// another in its place.
#[cfg(unix)]
fn private(file: &fs::File, path: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt as _;
    let shown = path.display();
    let of = file.metadata().map_err(|error| format!("{shown} cannot be read: {error}"))?;
    // Root opens the files of everybody, and would run what they say.
    let (owner, user) = (of.uid(), rustix::process::geteuid().as_raw());
    if owner != user {
        return Err(format!(
            "{shown} belongs to another user ({owner}, and you are {user}), and names commands that are run: make a file of \
             your own, or chown {user} {shown} if you know what it says"
        ));
    }
    let mode = of.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(format!(
            "{shown} is open to others (mode {mode:04o}), and names commands that are run: chmod 600 {shown}"
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn folders(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> std::io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).open(path)
}

/// There, a user's folder is the user's own.
#[cfg(not(unix))]
fn private(_: &fs::File, _: &Path) -> Result<(), String> {
    Ok(())
}
