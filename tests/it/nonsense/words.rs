//! What stands in the fields of nonsense: what would be right there, what was right elsewhere, and what never is.

use std::collections::BTreeMap;

use prost_reflect::{DynamicMessage, ReflectMessage, Value};

use super::dice::Dice;
use crate::harness::{ACCOUNT, LABS, request_id};

/// Most texts that are kept of a name.
const MOST: usize = 64;

/// What there is at first, by the name of the field without what stands around the noun: things of the sandbox's world, of
/// the world's beginning, and words of the right grammar.
const PLAUSIBLE: [(&str, &[&str]); 34] = [
    ("account", &["", ACCOUNT, "210987654321"]),
    ("region", &["", "us-east-1", "eu-west-1", "us-gov-west-1", "nowhere"]),
    (
        "vault",
        &["prod", "locked", "empty", "Default", "arn:aws:backup:us-east-1:123456789012:backup-vault:prod", "missing"],
    ),
    ("plan", &["evening", "bare", "missing"]),
    ("selection", &["labs", "two", "missing"]),
    ("legal_hold", &["old", "missing"]),
    ("job", &["00000000-0000-4000-8000-00000000dead"]),
    (
        "resource",
        &[
            LABS,
            "rdspg-fcj-labs",
            "aurora-billing",
            "*",
            "arn:aws:rds:*:*:db:*",
            "arn:aws:s3:::photos",
            "arn:aws:ec2:us-east-1:123456789012:volume/vol-0123456789abcdef0",
        ],
    ),
    ("recovery_point", &["arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1"]),
    (
        "role",
        &[
            "AWSBackupDefaultServiceRole",
            "another",
            "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole",
        ],
    ),
    ("name", &["daily", "weekly", "new", "evening", "labs"]),
    ("title", &["old", "new"]),
    ("description", &["lawsuit", ""]),
    ("reason", &["settled", ""]),
    (
        "schedule",
        &[
            "",
            "cron(0 5 ? * * *)",
            "cron(30 2 ? 3 1#2 *)",
            "cron(0 0 L-3W 2 ? 2026-2030)",
            "rate(1 day)",
            "cron(0 0 31 2 ? *)",
            "cron(0/5 * * * ? *)",
        ],
    ),
    ("schedule_time_zone", &["", "Europe/Berlin", "etc/utc", "Mars/Olympus"]),
    (
        "policy",
        &[
            "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"backup:DeleteRecoveryPoint\",\"Resource\":\"*\"}]}",
            "{\"Version\":\"2012-10-17\",\"Statement\":[]}",
            "{}",
            "[[[[[[[[",
        ],
    ),
    ("topic", &["backups", "arn:aws:sns:us-east-1:123456789012:backups"]),
    ("event", &["BACKUP_JOB_COMPLETED", "RESTORE_JOB_FAILED", "S3_BACKUP_OBJECT_FAILED"]),
    ("key", &["owner", "env", "aws:ResourceTag/env", "aws:x"]),
    ("value", &["prod", "a*", "", "1"]),
    ("resource_type", &["RDS", "Aurora", "EBS", "rds", "DynamoDB"]),
    ("kms_key", &["alias/aws/backup", "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000001"]),
    ("paths", &["rules", "name", "advanced_backup_settings", "*", "rules.name"]),
    ("db_instance_identifier", &["restored", "rdspg-fcj-labs"]),
    ("db_cluster_identifier", &["restored", "aurora-billing"]),
    ("db_instance_class", &["db.t3.micro", "db.r6g.large"]),
    ("db_subnet_group_name", &["default", "fcj"]),
    ("availability_zone", &["us-east-1a", "us-east-1"]),
    ("state", &["COMPLETED", "RUNNING"]),
    ("request_id", &["", "", "", "00000000-0000-4000-8000-000000000001"]),
    ("tag_keys", &["old", "owner"]),
    ("page_token", &["", "", "AAAAAAAAAAAgMCA"]),
    ("etag", &["", "", "0"]),
];

/// What is right nowhere, or nearly so.
#[rustfmt::skip]
const NONSENSE: [&str; 34] = [
    "", " ", "\0", "\n\r\t", "*", "?", "-1", "NaN", "null", "{}", "[]", "\"", "\\", "%s%n", "../../etc/passwd", "a b",
    "'; DROP TABLE vaults; --", "<script>", "arn:", "arn:aws:::::", "ARN:AWS:RDS:US-EAST-1:123456789012:DB:X",
    "arn:aws-cn:rds:cn-north-1:123456789012:db:x", "arn:aws:rds:us-gov-west-1:123456789012:db:x", "cron(", "cron()",
    "🦀🦀🦀", "e\u{301}\u{301}\u{301}", "\u{202e}desrever", "\u{feff}prod", "ﬀ", "İstanbul", "\u{10ffff}", "prod\u{0}",
    "00000000-0000-4000-8000-00000000000G",
];

/// Texts by the noun of a field.
pub(crate) struct Words {
    seen: BTreeMap<String, Vec<String>>,
    made: u32,
    /// One text in so many is not right where it stands: requests of which every text may be wrong do little.
    wrong_once_in: usize,
}

impl Words {
    pub(crate) fn new() -> Self {
        let plausible = PLAUSIBLE
            .iter()
            .map(|(noun, words)| ((*noun).to_owned(), words.iter().map(|word| (*word).to_owned()).collect()));
        Self { seen: plausible.collect(), made: 0, wrong_once_in: 2 }
    }

    /// How much of the next request is wrong.
    pub(crate) fn begin(&mut self, dice: &mut Dice<'_>) {
        self.wrong_once_in = *dice.of(&[3, 12, 40, 250]);
    }

    /// A text for a field of that name.
    pub(crate) fn text(&mut self, dice: &mut Dice<'_>, field: &str) -> String {
        if !dice.once_in(self.wrong_once_in) {
            return self.right(dice, noun(field));
        }
        match dice.below(6) {
            0 | 1 => {
                let of_another = dice.below(self.seen.len());
                let of_another = self.seen.keys().nth(of_another).cloned().unwrap_or_default();
                self.right(dice, &of_another)
            }
            2 => {
                let text = self.right(dice, noun(field));
                changed(dice, &text)
            }
            3 => long(dice),
            _ => (*dice.of(&NONSENSE)).to_owned(),
        }
    }

    fn right(&mut self, dice: &mut Dice<'_>, noun: &str) -> String {
        if noun == "request_id" && dice.once_in(3) {
            self.made += 1;
            return request_id(self.made);
        }
        match self.seen.get(noun) {
            Some(words) => dice.of(words).clone(),
            None => (*dice.of(&["", "a", "prod", "1"])).to_owned(),
        }
    }

    /// Keeps the texts of an answer under the nouns that requests name such things by.
    pub(crate) fn learn(&mut self, answer: &DynamicMessage) {
        let thing = snake(answer.descriptor().name());
        for (field, value) in answer.fields() {
            let name = field.name();
            let noun = match name {
                "id" | "arn" | "name" => &thing,
                _ => noun(name),
            };
            match value {
                Value::String(text) => self.keep(noun, text),
                Value::Message(message) => self.learn(message),
                Value::List(items) => items.iter().for_each(|item| match item {
                    Value::String(text) => self.keep(noun, text),
                    Value::Message(message) => self.learn(message),
                    _ => {}
                }),
                _ => {}
            }
        }
    }

    fn keep(&mut self, noun: &str, text: &str) {
        let Some(words) = self.seen.get_mut(noun) else {
            self.seen.insert(noun.to_owned(), vec![text.to_owned()]);
            return;
        };
        if words.len() < MOST && !words.iter().any(|word| word == text) {
            words.push(text.to_owned());
        }
    }
}

/// What a field's name says it names: `vault` of `destination_vault`, `vault_name` and `vaults`.
fn noun(field: &str) -> &str {
    let beginnings = ["destination_", "source_", "next_", "parent_", "excluded_", "include_", "exclude_"];
    let field = beginnings.iter().find_map(|beginning| field.strip_prefix(beginning)).unwrap_or(field);
    let field = ["_name", "_arn", "_id"]
        .iter()
        .find_map(|end| field.strip_suffix(end))
        .filter(|_| field != "request_id")
        .unwrap_or(field);
    field
        .strip_suffix('s')
        .filter(|_| !field.ends_with("ss"))
        .filter(|one| PLAUSIBLE.iter().any(|(noun, _)| noun == one))
        .unwrap_or(field)
}

fn snake(camel: &str) -> String {
    let mut snake = String::new();
    for letter in camel.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// A slip of the fingers.
fn changed(dice: &mut Dice<'_>, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = dice.below(letters.len());
    match dice.below(5) {
        0 => text.to_uppercase(),
        1 => format!("{text} "),
        _ if letters.is_empty() => "x".to_owned(),
        2 => {
            letters.remove(at);
            letters.into_iter().collect()
        }
        3 => {
            letters[at] = char::from(dice.byte());
            letters.into_iter().collect()
        }
        _ => {
            letters.insert(at, *dice.of(&['*', ':', '/', '-', 'é', '\u{7f}']));
            letters.into_iter().collect()
        }
    }
}

/// Longer than anything that is taken.
fn long(dice: &mut Dice<'_>) -> String {
    let piece = *dice.of(&["a", "ä", "\0", "arn:aws:", "{\"a\":", "[", "1,", "*", "a*", "🦀", "\\"]);
    let bytes = *dice.of(&[60, 130, 260, 1_030, 2_060, 21_000, 70_000]);
    piece.repeat(bytes / piece.len())
}
