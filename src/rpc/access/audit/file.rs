//! The files of the record: one is written to, and the next begins with the seal of the one before.
//!
//! What [`Files::append`] has taken is on disk when it returns. What it has not, counts for nothing: the file is brought
//! back to what was there before anything else is written.
//!
//! The file under way is known by its inode and its length, which are looked at before each write: `rm` and `logrotate` would
//! else have the lines go where nobody reads them. One that is gone is written again from what is held open; to one that
//! somebody has replaced, cut or written to nothing is added until it is as it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    chain::{Chain, Key, Keys},
    record::{Came, End, Record, UnderWay},
};

/// Nobody but the server's own user reads what callers did.
pub(super) const MODE: u32 = 0o600;

/// Where a file that is written again is put together.
const RESTORED: &str = "audit.restored";

/// The file with this number.
pub(super) fn path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("audit-{segment:010}.jsonl"))
}

/// The numbers of the files that there are, ascending.
pub(super) fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("audit-")?.strip_suffix(".jsonl"));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The files, one of which is written to.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    /// Held open, so that the kernel cannot lose what it has to tell of it; and by its lock no other process writes here.
    directory: File,
    _lock: File,
    file: File,
    /// Device and inode of the file.
    inode: (u64, u64),
    segment: u64,
    /// Bytes of the file that count.
    length: u64,
    chain: Chain,
    /// The key that this file is chained with.
    key: Option<Key>,
    /// The key that the next one will be.
    next_key: Option<Key>,
    record: String,
    /// Nothing follows in this file.
    sealed: bool,
    /// A write has failed, so that the file may have more than what counts.
    spoiled: bool,
    /// The file was written again, which it does not tell yet.
    restored: bool,
    largest: u64,
    /// What was begun and has not ended, by its id.
    under_way: BTreeMap<String, UnderWay>,
}

/// What was found in the directory, on which the files go on.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) segment: u64,
    pub(super) length: u64,
    pub(super) chain: Chain,
    pub(super) key: Option<Key>,
    pub(super) record: String,
    pub(super) sealed: bool,
    pub(super) under_way: BTreeMap<String, UnderWay>,
}

impl Found {
    /// Nothing: the record begins.
    pub(super) fn nothing() -> Self {
        Self {
            segment: 0,
            length: 0,
            chain: Chain::new(),
            key: None,
            record: Uuid::new_v4().to_string(),
            sealed: true,
            under_way: BTreeMap::new(),
        }
    }
}

impl Files {
    /// Goes on after what was found.
    pub(super) fn resume(folder: &Path, lock: File, found: Found, keys: &Keys, largest: u64) -> io::Result<Self> {
        let directory = File::open(folder)?;
        let file = match found.segment {
            // Nothing is written to it: the first file follows it.
            0 => directory.try_clone()?,
            segment => opened(&path(folder, segment))?,
        };
        let inode = inode(&file.metadata()?);
        let mut files = Self {
            folder: folder.to_owned(),
            directory,
            _lock: lock,
            file,
            inode,
            segment: found.segment,
            length: found.length,
            chain: found.chain,
            key: found.key,
            next_key: keys.in_use().cloned(),
            record: found.record,
            sealed: found.sealed,
            spoiled: false,
            restored: false,
            largest,
            under_way: found.under_way,
        };
        let changes_key = files.key.as_ref().map(|key| &key.name) != files.next_key.as_ref().map(|key| &key.name);
        if changes_key && files.segment > 0 && files.key.is_none() {
            tracing::warn!(
                "the audit record was chained without a key up to here: of that part its key proves nothing"
            );
        }
        if !files.sealed && changes_key {
            files.seal()?;
        }
        if files.sealed {
            files.begin_next()?;
        }
        Ok(files)
    }

    /// Appends lines. They are on disk when it returns; when it fails, none of them counts.
    pub(super) fn append(&mut self, records: impl IntoIterator<Item = Entry>) -> io::Result<()> {
        self.is_in_place()?;
        self.mend()?;
        if self.sealed {
            self.begin_next()?;
        }
        let (mut chain, mut text) = (self.chain.clone(), Vec::new());
        if self.restored {
            let told = Record::Restored { time: Timestamp::now() };
            text.extend_from_slice(chain.link(self.key.as_ref(), &told)?.as_bytes());
        }
        // What these lines begin and end holds once they count.
        let (mut begun, mut ended) = (BTreeMap::new(), BTreeSet::new());
        for entry in records {
            let record = match entry {
                Entry::Line(record) => {
                    if let Record::Begin(begin) = &record {
                        let offset = self.length + text.len() as u64;
                        begun.insert(begin.id.clone(), begin.under_way(self.segment, offset));
                    }
                    record
                }
                Entry::End { id, came } => match begun.get(&id).or_else(|| self.under_way.get(&id)) {
                    Some(of) if ended.insert(id) => Record::End(Box::new(End { begun: of.clone(), came })),
                    // Its begin was refused, and nothing was done; or it has ended.
                    Some(_) | None => continue,
                },
            };
            text.extend_from_slice(chain.link(self.key.as_ref(), &record)?.as_bytes());
        }
        self.write(&text, chain)?;
        self.restored = false;
        self.under_way.append(&mut begun);
        for id in &ended {
            self.under_way.remove(id);
        }
        Ok(())
    }

    /// Begins the next file where this one is as large as one becomes.
    pub(super) fn turn_over(&mut self) -> io::Result<()> {
        if self.length < self.largest {
            return Ok(());
        }
        self.mend()?;
        if !self.sealed {
            self.seal()?;
        }
        self.begin_next()
    }

    pub(super) fn under_way(&self) -> &BTreeMap<String, UnderWay> {
        &self.under_way
    }

    /// The file that is written to, and how much of it counts.
    pub(super) fn position(&self) -> (u64, u64) {
        (self.segment, self.length)
    }

    fn seal(&mut self) -> io::Result<()> {
        let mut chain = self.chain.clone();
        let seal = Record::Seal { time: Timestamp::now(), next: self.segment + 1, bytes: self.length };
        let line = chain.link(self.key.as_ref(), &seal)?;
        self.write(line.as_bytes(), chain)?;
        self.sealed = true;
        Ok(())
    }

    /// The file that follows a seal. One that an earlier try left has nothing in it that anybody was told of.
    fn begin_next(&mut self) -> io::Result<()> {
        let segment = self.segment + 1;
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(true).mode(MODE).open(path(&self.folder, segment))?;
        let open = Record::Open {
            time: Timestamp::now(),
            record: self.record.clone(),
            segment,
            key: self.next_key.as_ref().map(|key| key.name.clone()),
            under_way: self.under_way.values().cloned().collect(),
        };
        let mut chain = self.chain.clone();
        let line = chain.link(self.next_key.as_ref(), &open)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        self.directory.sync_all()?;
        self.take(opened(&path(&self.folder, segment))?)?;
        (self.segment, self.length, self.chain) = (segment, line.len() as u64, chain);
        self.key.clone_from(&self.next_key);
        (self.sealed, self.spoiled) = (false, false);
        Ok(())
    }

    fn write(&mut self, text: &[u8], chain: Chain) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.spoiled = true;
        self.file.write_all(text)?;
        self.file.sync_data()?;
        self.spoiled = false;
        self.length += text.len() as u64;
        self.chain = chain;
        Ok(())
    }

    /// After a write that failed: by a handle of its own, for what an old one says after an error is worth nothing.
    fn mend(&mut self) -> io::Result<()> {
        if !self.spoiled {
            return Ok(());
        }
        let file = opened(&path(&self.folder, self.segment))?;
        file.set_len(self.length)?;
        file.sync_all()?;
        self.take(file)?;
        self.spoiled = false;
        Ok(())
    }

    fn take(&mut self, file: File) -> io::Result<()> {
        self.inode = inode(&file.metadata()?);
        self.file = file;
        Ok(())
    }

    /// Whether the file is where it was put, with what was written to it and nothing else. One that is gone is put back.
    fn is_in_place(&mut self) -> io::Result<()> {
        let place = path(&self.folder, self.segment);
        let found = match fs::symlink_metadata(&place) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.restore(&place),
            Err(error) => return Err(error),
        };
        let wrong = if inode(&found) != self.inode {
            "is another file than the one that the record was written to: move it away, and the record is put back"
                .to_owned()
        } else if found.len() < self.length || found.len() > self.length && !self.spoiled {
            let (has, wrote) = (found.len(), self.length);
            format!("has {has} bytes, and {wrote} were written to it: bring it back to those, or move it away")
        } else {
            return Ok(());
        };
        Err(io::Error::other(format!("{} {wrong}", place.display())))
    }

    /// Writes the file again from what is held open, under its name at once as a whole.
    fn restore(&mut self, place: &Path) -> io::Result<()> {
        let under_way = self.folder.join(RESTORED);
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(MODE).open(&under_way)?;
        // Where it is read from does not move where it is written to: that is its end.
        self.file.rewind()?;
        if io::copy(&mut (&self.file).take(self.length), &mut file)? < self.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.sync_all()?;
        fs::rename(&under_way, place)?;
        // The directory may be another too.
        self.directory = File::open(&self.folder)?;
        self.directory.sync_all()?;
        self.take(opened(place)?)?;
        (self.spoiled, self.restored) = (false, true);
        tracing::error!(path = %place.display(), "somebody took the file of the audit record away: it was written again");
        Ok(())
    }
}

/// What was written is read where the file is to be written again.
fn opened(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).open(path)
}

fn inode(of: &fs::Metadata) -> (u64, u64) {
    (of.dev(), of.ino())
}

/// A line to append.
pub(super) enum Entry {
    Line(Record),
    /// The end of a call, where its begin counts.
    End {
        id: String,
        came: Came,
    },
}
