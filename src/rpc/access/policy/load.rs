//! Policies out of files: all of them, or none.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use cedar_policy::{PolicyId, PolicySet, ValidationMode, Validator};
use sha2::{Digest as _, Sha256};

use super::{Policies, index::Index, marks};

/// Most bytes of one file, and of all files together.
const MOST_BYTES: u64 = 1 << 20;
const MOST_BYTES_IN_ALL: u64 = 16 << 20;

/// Most policies in all files.
const MOST_POLICIES: usize = 20_000;

/// What is wrong with a set of policies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::rpc) enum PolicyFault {
    /// The schema of the program is not taken: a fault of the program.
    #[error("the schema of policies cannot be used: {0}")]
    Schema(String),
    /// The directory cannot be read.
    #[error("{path} cannot be read: {why}")]
    Unread {
        /// Which directory or file.
        path: String,
        /// What the operating system says.
        why: String,
    },
    /// There is no file in the directory.
    #[error("{0} has no policies: they are in files that end in .cedar")]
    Empty(String),
    /// There is more than a set may have.
    #[error("{0}")]
    TooMuch(String),
    /// Policies are not well written: everything that is wrong with them.
    #[error("{}", .0.join("; "))]
    Faults(Vec<String>),
}

/// The files of a directory that end so, in the order of their names.
pub(in crate::rpc::access) fn inside(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, PolicyFault> {
    let paths = fs::read_dir(folder).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
    let mut paths: Vec<PathBuf> = paths.map_err(|error: io::Error| PolicyFault::unread(folder, &error))?;
    // Kubernetes mounts a directory by links that begin with two dots, beside links with the names of files.
    paths.retain(|path| path.extension().is_some_and(|of| of == ending) && path.is_file());
    paths.sort();
    Ok(paths)
}

impl PolicyFault {
    fn unread(path: &Path, error: &io::Error) -> Self {
        Self::Unread { path: path.display().to_string(), why: error.to_string() }
    }
}

/// The files of a directory, as they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rpc) struct Files(Vec<(String, String)>);

impl Files {
    /// Those that end in `.cedar`, in the order of their names.
    pub(in crate::rpc::access) fn in_folder(folder: &Path) -> Result<Self, PolicyFault> {
        let paths = inside(folder, "cedar")?;
        if paths.is_empty() {
            return Err(PolicyFault::Empty(folder.display().to_string()));
        }
        Self::of(&paths)
    }

    /// These files.
    pub(in crate::rpc::access) fn of(paths: &[PathBuf]) -> Result<Self, PolicyFault> {
        let mut files = Vec::new();
        let mut bytes = 0;
        for path in paths {
            let unread = |error: io::Error| PolicyFault::unread(path, &error);
            let length = fs::metadata(path).map_err(unread)?.len();
            bytes += length;
            if length > MOST_BYTES || bytes > MOST_BYTES_IN_ALL {
                return Err(PolicyFault::TooMuch(format!(
                    "{} is too much: a file of policies may have {MOST_BYTES} bytes, and all of them {MOST_BYTES_IN_ALL}",
                    path.display()
                )));
            }
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            files.push((name, fs::read_to_string(path).map_err(unread)?));
        }
        Ok(Self(files))
    }

    #[cfg(test)]
    pub(in crate::rpc::access) fn text(text: &str) -> Self {
        Self(vec![("test.cedar".to_owned(), text.to_owned())])
    }

    /// Of their names and contents together.
    pub(in crate::rpc::access) fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for text in self.0.iter().flat_map(|(name, text)| [name, text]) {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The policies, if all of them can be used.
    pub(in crate::rpc::access) fn read(&self) -> Result<Policies, PolicyFault> {
        let schema = super::schema()?;
        let (mut set, mut faults) = (PolicySet::new(), Vec::new());
        for (name, text) in &self.0 {
            match text.parse::<PolicySet>() {
                Err(errors) => faults.extend(errors.iter().map(|error| format!("{name}: {}", located(text, error)))),
                Ok(parsed) => faults.extend(add(&mut set, name, &parsed)),
            }
        }
        if set.num_of_policies() > MOST_POLICIES {
            faults.push(format!("there are more than {MOST_POLICIES} policies"));
        }
        if faults.is_empty() {
            let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
            faults.extend(result.validation_errors().map(ToString::to_string));
        }
        if faults.is_empty() {
            faults.extend(marks::faults(&set, &schema));
        }
        if !faults.is_empty() {
            return Err(PolicyFault::Faults(faults));
        }
        Ok(Policies { index: Index::of(&set, &schema), hash: self.hash(), count: set.num_of_policies() })
    }
}

/// Adds the policies of a file under ids of their own: `FILE:ID` with the id that `@id` says, else the number in the file.
fn add(set: &mut PolicySet, file: &str, parsed: &PolicySet) -> Vec<String> {
    let mut faults = Vec::new();
    if parsed.num_of_templates() > 0 {
        faults.push(format!("{file}: has a template (?principal or ?resource), which nothing fills in"));
    }
    let number = |id: &PolicyId| id.to_string().trim_start_matches("policy").parse::<usize>().unwrap_or_default();
    let mut policies: Vec<_> = parsed.policies().collect();
    policies.sort_by_key(|policy| number(policy.id()));
    for policy in policies {
        let said = policy.annotation("id").filter(|id| !id.is_empty()).map(str::to_owned);
        let id = format!("{file}:{}", said.unwrap_or_else(|| (number(policy.id()) + 1).to_string()));
        if set.add(policy.new_id(PolicyId::new(&id))).is_err() {
            faults.push(format!("{id}: there are two policies of this id"));
        }
    }
    faults
}

/// An error with the line that it is on.
fn located(text: &str, error: &cedar_policy::ParseError) -> String {
    use miette::Diagnostic as _;
    let at = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
    match at {
        Some(at) => {
            let line = text.get(..at).map_or(1, |before| before.lines().count().max(1));
            format!("line {line}: {error}")
        }
        None => error.to_string(),
    }
}
