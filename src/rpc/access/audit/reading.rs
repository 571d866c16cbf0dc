//! The record read back: by the begins of calls, the last one first.
//!
//! A begin never moves, so a page begins before the begin that the one before ended with, and each call is on one page. Its
//! end stands further on: the way back to the begin has passed it, unless a page began in between. That one is looked for
//! onwards.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, BufRead as _, BufReader, Seek as _, SeekFrom},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    chain::said,
    file::path,
    record::{Begin, Came, Outcome, Record},
    writer::Shown,
};
use crate::{
    domain::{Arn, Asked, Cursor, Fault, Invalid, Refusal, did_you_mean, quoted},
    proto::{self, descriptors},
    rpc::{
        convert::{reader::Reader, timestamp},
        page_token::ListOf,
    },
};

/// Bytes of the record that one page looks at.
const MOST_BYTES: u64 = 8 << 20;

/// Bytes of the longest name that is looked for: an ARN has no more, and callers' names have less.
const LONGEST_NAME: usize = 2048;

/// Read at once, backwards.
const CHUNK: u64 = 256 << 10;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) principal: String,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) detection: String,
}

impl Wanted {
    /// As far as the begin tells.
    fn may_be(&self, begin: &Begin) -> bool {
        let action = begin.action.as_str();
        let short = action.rsplit_once('.').map_or(action, |(_, short)| short);
        let name = action.rsplit_once('/').map_or(action, |(_, name)| name);
        self.start.is_none_or(|start| begin.time >= start)
            && self.end.is_none_or(|end| begin.time < end)
            && (self.principal.is_empty() || begin.principal.name == self.principal)
            && (self.action.is_empty() || [action, short, name].contains(&self.action.as_str()))
    }

    /// What only the end may tell.
    fn is(&self, begin: &Begin, came: Option<&Came>) -> bool {
        let of = |told: &[String]| told.contains(&self.resource);
        (self.resource.is_empty() || of(&begin.resources) || came.is_some_and(|came| of(&came.resources)))
            && (self.detection.is_empty() || came.is_some_and(|came| came.detections.contains(&self.detection)))
    }
}

/// Reads the request.
pub(super) fn read(mut request: proto::ListAuditEventsRequest) -> Result<Asked<ListOf<Wanted>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(None);
    let paged = read.page("ListAuditEvents", &request, size, &token);
    let interval = read.interval("interval", request.interval);
    let known = proto::Detection::try_from(request.detection);
    let known = known.map_err(|_| Fault(format!("{} is not a detection", request.detection)));
    let detection = read.note("detection", known);
    let principal = read.note("principal", caller(&request.principal));
    let action = read.note("action", action(&request.action));
    let resource = read.note("resource", resource(&request.resource));
    read.conclude(|| {
        let (interval, detection) = (interval?, detection?);
        principal?;
        action?;
        resource?;
        let detection = match detection {
            proto::Detection::Unspecified => String::new(),
            known => known.as_str_name().to_owned(),
        };
        let wanted = Wanted {
            start: interval.after,
            end: interval.before,
            principal: request.principal,
            action: request.action,
            resource: request.resource,
            detection,
        };
        Ok(ListOf { filter: wanted, paged: paged? })
    })
}

/// A caller's name begins with the way in which the caller is known.
fn caller(name: &str) -> Result<(), Fault> {
    bounded(name, "a caller's name")?;
    if name.is_empty() || name == "anonymous" || name.contains(':') {
        return Ok(());
    }
    Err(Fault(format!(
        "{} is no caller's name: write anonymous, ISSUER:SUBJECT, spiffe://ID, dns:NAME or subject:CN=NAME",
        quoted(name)
    )))
}

/// Names and ids are many; an ARN that is none, or that names many things, is in no record.
fn resource(name: &str) -> Result<(), Fault> {
    if Arn::looks_like(name) {
        return Arn::parse(name).map(drop);
    }
    bounded(name, "the name or id of a thing")
}

/// Nothing longer is in a record, nor anything that does not show.
fn bounded(name: &str, what: &str) -> Result<(), Fault> {
    if name.len() > LONGEST_NAME {
        return Err(Fault(format!("it has {} bytes, and {what} has at most {LONGEST_NAME}", name.len())));
    }
    if name.chars().any(char::is_control) {
        return Err(Fault(format!("{} is not {what}: it has a control character", quoted(name))));
    }
    Ok(())
}

/// An RPC, by any of its names.
fn action(name: &str) -> Result<(), Fault> {
    let known = descriptors::methods();
    let without_package = name.strip_prefix("strongroom.v1.").unwrap_or(name);
    let is_it = |path: &String| path == without_package || path.rsplit('/').next() == Some(name);
    if name.is_empty() || known.iter().any(is_it) {
        return Ok(());
    }
    let names = known.iter().map(|path| path.rsplit('/').next().unwrap_or(path));
    Err(Fault(format!("{} is no RPC{}", quoted(name), did_you_mean(name, names))))
}

/// A place in the record: a byte of a file.
type Position = (u64, u64);

/// Where a page begins: before this place. Blank: at the end.
fn position(cursor: Option<&Cursor>, shown: &Shown) -> Result<Position, Refusal> {
    let end = (shown.segment, shown.length);
    let Some(cursor) = cursor else { return Ok(end) };
    let segment = cursor.part.parse().ok();
    let offset = cursor.token.as_deref().and_then(|offset| offset.parse().ok());
    segment.zip(offset).filter(|position| *position <= end).ok_or_else(Refusal::page_token)
}

/// Events, and where the next page begins.
type Page = (Vec<proto::AuditEvent>, Option<Cursor>);

/// A page.
pub(super) fn page(
    folder: &Path,
    shown: &Shown,
    wanted: &Wanted,
    size: usize,
    cursor: Option<&Cursor>,
) -> Result<io::Result<Page>, Refusal> {
    let from = position(cursor, shown)?;
    let back =
        Backwards { folder: folder.to_owned(), segment: from.0, offset: from.1, lines: VecDeque::new(), read: 0 };
    let end = (shown.segment, shown.length);
    let onwards = Onwards { folder: folder.to_owned(), from, at: from, end, file: None, ends: BTreeMap::new() };
    Ok(fill(back, onwards, shown, wanted, size))
}

fn fill(mut back: Backwards, mut onwards: Onwards, shown: &Shown, wanted: &Wanted, size: usize) -> io::Result<Page> {
    let mut events = Vec::new();
    // Passed on the way to their begins: as many as were under way at once.
    let mut ends = BTreeMap::new();
    while events.len() < size {
        let Some(line) = back.next()? else { return Ok((events, None)) };
        match said(line.trim_ascii_end()) {
            Ok(Record::End(end)) => _ = ends.insert(end.begun.id, end.came),
            Ok(Record::Begin(begin)) => {
                let passed = ends.remove(&begin.id);
                if wanted.may_be(&begin) {
                    let came = match passed {
                        None if !shown.under_way.contains(&begin.id) => onwards.end_of(&begin.id)?,
                        passed => passed,
                    };
                    if wanted.is(&begin, came.as_ref()) {
                        events.push(event(*begin, came));
                    }
                }
            }
            Ok(_) | Err(_) => {}
        }
        if back.read >= MOST_BYTES && back.lines.is_empty() {
            break;
        }
    }
    let next = Cursor { part: back.segment.to_string(), skip: 0, token: Some(back.offset.to_string()) };
    Ok((events, Some(next)))
}

/// The file with this number; absent: it was put elsewhere.
fn file(folder: &Path, segment: u64) -> io::Result<Option<File>> {
    match File::open(path(folder, segment)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The lines of the record from a place back to its beginning.
struct Backwards {
    folder: PathBuf,
    segment: u64,
    /// Where the lines that were not given yet end.
    offset: u64,
    /// Whole lines that were read, with where each begins.
    lines: VecDeque<(u64, Vec<u8>)>,
    read: u64,
}

impl Backwards {
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some((at, line)) = self.lines.pop_back() {
                self.offset = at;
                return Ok(Some(line));
            }
            let before = self.segment.saturating_sub(1);
            let segment = if self.offset == 0 { before } else { self.segment };
            let Some(file) = file(&self.folder, segment)? else { return Ok(None) };
            if self.offset == 0 {
                (self.segment, self.offset) = (before, file.metadata()?.len());
            }
            self.load(&file).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path(&self.folder, self.segment).display()))
            })?;
        }
    }

    /// Whole lines before the offset: a chunk of them, or one that is longer than a chunk.
    fn load(&mut self, file: &File) -> io::Result<()> {
        let mut chunk = CHUNK;
        loop {
            let from = self.offset.saturating_sub(chunk);
            let length = usize::try_from(self.offset - from).map_err(io::Error::other)?;
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, from)?;
            // The first line of the chunk may have begun before it.
            let whole = if from == 0 { Some(0) } else { bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1) };
            if let Some(whole) = whole.filter(|whole| *whole < bytes.len()) {
                let mut at = from + whole as u64;
                for line in bytes[whole..].split_inclusive(|byte| *byte == b'\n') {
                    self.lines.push_back((at, line.to_vec()));
                    at += line.len() as u64;
                }
                self.read += length as u64;
                return Ok(());
            }
            // Somebody has emptied it: no file of a record is without a line.
            if from == 0 {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it has no whole line"));
            }
            chunk *= 2;
        }
    }
}

/// The ends that stand behind a place, of calls that began before it: as many as were under way there.
struct Onwards {
    folder: PathBuf,
    from: Position,
    /// How far it has looked.
    at: Position,
    /// How far there is to look.
    end: Position,
    file: Option<BufReader<File>>,
    ends: BTreeMap<String, Came>,
}

impl Onwards {
    fn end_of(&mut self, id: &str) -> io::Result<Option<Came>> {
        loop {
            if let Some(came) = self.ends.remove(id) {
                return Ok(Some(came));
            }
            let Some(line) = self.next()? else { return Ok(None) };
            if is_end(&line)
                && let Ok(Record::End(end)) = said(line.trim_ascii_end())
                && (end.begun.segment, end.begun.offset) < self.from
            {
                self.ends.insert(end.begun.id, end.came);
            }
        }
    }

    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        while self.at < self.end {
            let reader = match &mut self.file {
                Some(reader) => reader,
                None => {
                    let Some(mut file) = file(&self.folder, self.at.0)? else { return Ok(None) };
                    file.seek(SeekFrom::Start(self.at.1))?;
                    self.file.insert(BufReader::new(file))
                }
            };
            let mut line = Vec::new();
            let read = reader.read_until(b'\n', &mut line)?;
            if read > 0 {
                self.at.1 += read as u64;
                return Ok(Some(line));
            }
            (self.at, self.file) = ((self.at.0 + 1, 0), None);
        }
        Ok(None)
    }
}

/// Whether a line is an end, by its first members: most are not, and are not read any further.
fn is_end(line: &[u8]) -> bool {
    const KIND: &[u8] = b"\"kind\":\"end\"";
    line[..line.len().min(128)].windows(KIND.len()).any(|members| members == KIND)
}

fn event(begin: Begin, came: Option<Came>) -> proto::AuditEvent {
    let scope = came.as_ref().and_then(|came| came.scope.clone()).unwrap_or(begin.scope);
    let event = proto::AuditEvent {
        id: begin.id,
        begin_time: Some(timestamp(begin.time)),
        principal: Some(proto::Principal {
            name: begin.principal.name,
            groups: begin.principal.groups,
            authentication: proto::Authentication::from(begin.principal.authentication).into(),
            issuer: begin.principal.issuer.unwrap_or_default(),
            certificate_name: begin.principal.certificate.unwrap_or_default(),
        }),
        peer: begin.peer,
        action: begin.action,
        resources: begin.resources,
        scope: Some(proto::Scope { account: scope.account, region: scope.region }),
        request_id: begin.request_id,
        request_digest: begin.request_digest,
        request_json: begin.request.to_string(),
        joined: begin.joined,
        ..Default::default()
    };
    let Some(came) = came else { return event };
    let outcome = match came.outcome {
        Outcome::Succeeded => proto::AuditOutcome::Succeeded,
        Outcome::Failed => proto::AuditOutcome::Failed,
        Outcome::Unknown => proto::AuditOutcome::Unknown,
    };
    let changes = came.changes.into_iter().map(|change| proto::AuditChange {
        subject: change.subject,
        field: change.field,
        old_json: change.old.as_ref().map(ToString::to_string),
        new_json: change.new.as_ref().map(ToString::to_string),
    });
    let detections = came.detections.iter().filter_map(|told| proto::Detection::from_str_name(told));
    proto::AuditEvent {
        end_time: Some(timestamp(came.time)),
        outcome: outcome.into(),
        reason: came.reason,
        aws_request_ids: came.aws_request_ids,
        changes: changes.collect(),
        changes_left_out: i64::try_from(came.changes_left_out).unwrap_or(i64::MAX),
        approval: came.approval.map(|it| proto::AuditApproval {
            id: it.id,
            requester: it.requester,
            decider: it.decider,
            action: it.action,
            request_digest: it.request_digest,
        }),
        break_glass_policies: came.break_glass_policies,
        detections: detections.map(Into::into).collect(),
        ..event
    }
}
