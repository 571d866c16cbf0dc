//! The record read back, newest first: what is under way, then what has ended, by its end.

use std::{
    collections::VecDeque,
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    chain::said,
    file::path,
    record::{Begin, Came, Outcome, Record, UnderWay},
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
    fn fits(&self, begun: &UnderWay, came: Option<&Came>) -> bool {
        let of = |told: &[String]| told.contains(&self.resource);
        let detection = came.and_then(|came| came.detection.as_deref()).unwrap_or_default();
        let action = begun.action.as_str();
        let short = action.rsplit_once('.').map_or(action, |(_, short)| short);
        let name = action.rsplit_once('/').map_or(action, |(_, name)| name);
        self.start.is_none_or(|start| begun.time >= start)
            && self.end.is_none_or(|end| begun.time < end)
            && (self.principal.is_empty() || begun.principal == self.principal)
            && (self.action.is_empty() || [action, short, name].contains(&self.action.as_str()))
            && (self.resource.is_empty() || of(&begun.resources) || came.is_some_and(|came| of(&came.resources)))
            && (self.detection.is_empty() || detection == self.detection)
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
    // Names and ids are many; an ARN that is none, or that names many things, is in no record.
    let resource = Some(&request.resource).filter(|text| Arn::looks_like(text));
    let resource = read.note("resource", resource.map(|arn| Arn::parse(arn)).transpose());
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
    if name.is_empty() || name == "anonymous" || name.contains(':') {
        return Ok(());
    }
    Err(Fault(format!(
        "{} is no caller's name: write anonymous, ISSUER:SUBJECT, spiffe://ID, dns:NAME or subject:CN=NAME",
        quoted(name)
    )))
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

/// Where a page begins: before this byte of this file. Blank: with what is under way.
fn position(cursor: Option<&Cursor>, shown: &Shown) -> Result<(u64, u64), Refusal> {
    let Some(cursor) = cursor else { return Ok((shown.segment, shown.length)) };
    let segment = cursor.part.parse().ok().filter(|segment| *segment <= shown.segment);
    let offset = cursor.token.as_deref().and_then(|offset| offset.parse().ok());
    segment.zip(offset).ok_or_else(Refusal::page_token)
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
    let (segment, offset) = position(cursor, shown)?;
    let mut events = Vec::new();
    if cursor.is_none() {
        let mut open: Vec<&UnderWay> = shown.under_way.values().filter(|begun| wanted.fits(begun, None)).collect();
        open.sort_by_key(|begun| std::cmp::Reverse(begun.time));
        events.extend(open.into_iter().take(size).map(|begun| event(folder, begun, None)));
    }
    let mut back = Backwards { folder: folder.to_owned(), segment, offset, lines: VecDeque::new(), read: 0 };
    Ok(back.fill(wanted, size, &mut events).map(|next| (events, next)))
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
    fn fill(
        &mut self,
        wanted: &Wanted,
        size: usize,
        events: &mut Vec<proto::AuditEvent>,
    ) -> io::Result<Option<Cursor>> {
        while events.len() < size {
            let Some(line) = self.next()? else { return Ok(None) };
            if let Ok(Record::End(end)) = said(line.trim_ascii_end())
                && wanted.fits(&end.begun, Some(&end.came))
            {
                events.push(event(&self.folder, &end.begun, Some(&end.came)));
            }
            if self.read >= MOST_BYTES && self.lines.is_empty() {
                break;
            }
        }
        Ok(Some(Cursor { part: self.segment.to_string(), skip: 0, token: Some(self.offset.to_string()) }))
    }

    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some((at, line)) = self.lines.pop_back() {
                self.offset = at;
                return Ok(Some(line));
            }
            if self.offset == 0 {
                let before = self.segment.saturating_sub(1);
                match File::open(path(&self.folder, before)) {
                    Ok(file) => (self.segment, self.offset) = (before, file.metadata()?.len()),
                    // Older files were put elsewhere.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
            self.load()?;
        }
    }

    /// Whole lines before the offset: a chunk of them, or one that is longer than a chunk.
    fn load(&mut self) -> io::Result<()> {
        let file = File::open(path(&self.folder, self.segment))?;
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
            chunk *= 2;
        }
    }
}

/// The begin of a call, where its file is still there.
fn begin(folder: &Path, begun: &UnderWay) -> Option<Begin> {
    let file = File::open(path(folder, begun.segment)).ok()?;
    let (mut bytes, mut at) = (Vec::new(), begun.offset);
    while !bytes.contains(&b'\n') {
        let mut chunk = [0; 8192];
        let read = file.read_at(&mut chunk, at).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        at += read as u64;
    }
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    match said(line) {
        Ok(Record::Begin(begin)) if begin.id == begun.id => Some(*begin),
        _ => None,
    }
}

fn event(folder: &Path, begun: &UnderWay, came: Option<&Came>) -> proto::AuditEvent {
    let begin = begin(folder, begun);
    let scope = came.and_then(|came| came.scope.clone()).or_else(|| begin.as_ref().map(|begin| begin.scope.clone()));
    let mut event = proto::AuditEvent {
        id: begun.id.clone(),
        begin_time: Some(timestamp(begun.time)),
        principal: Some(proto::Principal { name: begun.principal.clone(), ..Default::default() }),
        action: begun.action.clone(),
        resources: begun.resources.clone(),
        scope: scope.map(|scope| proto::Scope { account: scope.account, region: scope.region }),
        ..Default::default()
    };
    if let Some(begin) = begin {
        event.principal = Some(proto::Principal {
            name: begin.principal.name,
            groups: begin.principal.groups,
            authentication: proto::Authentication::from(begin.principal.authentication).into(),
            issuer: begin.principal.issuer.unwrap_or_default(),
            certificate_name: begin.principal.certificate.unwrap_or_default(),
        });
        (event.peer, event.request_id, event.request_digest) = (begin.peer, begin.request_id, begin.request_digest);
        event.request_json = begin.request.to_string();
    }
    let Some(came) = came else { return event };
    event.end_time = Some(timestamp(came.time));
    event.outcome = match came.outcome {
        Outcome::Succeeded => proto::AuditOutcome::Succeeded,
        Outcome::Failed => proto::AuditOutcome::Failed,
        Outcome::Unknown => proto::AuditOutcome::Unknown,
    }
    .into();
    event.reason.clone_from(&came.reason);
    event.aws_request_ids.clone_from(&came.aws_request_ids);
    let changes = came.changes.iter().map(|change| proto::AuditChange {
        subject: change.subject.clone(),
        field: change.field.clone(),
        old_json: change.old.as_ref().map(ToString::to_string),
        new_json: change.new.as_ref().map(ToString::to_string),
    });
    event.changes = changes.collect();
    let detection = came.detection.as_deref().and_then(proto::Detection::from_str_name);
    event.detection = detection.unwrap_or_default().into();
    event
}
