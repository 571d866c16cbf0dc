//! Event patterns: what they can say, and whether an event is meant. Filter policies of SNS speak the same language.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::call::shorten;

/// The longest pattern, in characters `[D]`.
const LONGEST: usize = 2048;

/// A pattern: every field that it names must fit, and one of the alternatives of `$or`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    fields: Vec<(String, Node)>,
    any_of: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// One of these must fit.
    Tests(Vec<Test>),
    Nested(Pattern),
}

/// What one value is held against.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    Equals(Value),
    Prefix(Text),
    Suffix(Text),
    IgnoringCase(Text),
    Wildcard(Vec<String>),
    /// None of these fits.
    AnythingBut(Vec<Test>),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
    Cidr(IpAddr, u8),
}

#[derive(Debug, Clone, PartialEq)]
struct Text {
    text: String,
    ignore_case: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.chars().count() > LONGEST {
            return Err(format!("Event pattern is longer than {LONGEST} characters"));
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Self::of(&fields),
            Ok(_) => Err("Filter is not an object".to_owned()),
            Err(fault) => Err(fault.to_string()),
        }
    }

    fn of(given: &Map<String, Value>) -> Result<Self, String> {
        if given.is_empty() {
            return Err("Empty objects are not allowed".to_owned());
        }
        let mut pattern = Self { fields: Vec::new(), any_of: Vec::new() };
        for (name, value) in given {
            match value {
                Value::Array(alternatives) if name == "$or" && is_or(alternatives) => {
                    pattern.any_of =
                        alternatives.iter().filter_map(Value::as_object).map(Self::of).collect::<Result<_, _>>()?;
                }
                Value::Array(tests) => {
                    if tests.is_empty() {
                        return Err("Empty arrays are not allowed".to_owned());
                    }
                    let tests = tests.iter().map(Test::of).collect::<Result<_, _>>()?;
                    pattern.fields.push((name.clone(), Node::Tests(tests)));
                }
                Value::Object(nested) => pattern.fields.push((name.clone(), Node::Nested(Self::of(nested)?))),
                _ => return Err(format!("\"{name}\" must be an object or an array")),
            }
        }
        Ok(pattern)
    }

    /// Whether an event is meant.
    #[must_use]
    pub fn matches(&self, event: &Value) -> bool {
        let field = |(name, node): &(String, Node)| node.fits(event.get(name));
        self.fields.iter().all(field) && (self.any_of.is_empty() || self.any_of.iter().any(|one| one.matches(event)))
    }
}

/// `$or` is an operator where it holds several patterns; else it is a field of that name `[D]`.
fn is_or(alternatives: &[Value]) -> bool {
    alternatives.len() > 1 && alternatives.iter().all(Value::is_object) && !alternatives.iter().any(is_operator)
}

fn is_operator(value: &Value) -> bool {
    let named = |name: &String| {
        ["prefix", "suffix", "anything-but", "numeric", "exists", "equals-ignore-case", "wildcard", "cidr"]
            .contains(&name.as_str())
    };
    value.as_object().is_some_and(|object| object.len() == 1 && object.keys().all(named))
}

impl Node {
    fn fits(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Tests(tests), value) => tests.iter().any(|test| test.fits(value)),
            (Self::Nested(pattern), Some(Value::Array(values))) => values.iter().any(|value| pattern.matches(value)),
            (Self::Nested(pattern), Some(value @ Value::Object(_))) => pattern.matches(value),
            // What is asked of the members of something that is not there can only be that they are not there.
            (Self::Nested(pattern), _) => pattern.matches(&Value::Null),
        }
    }
}

impl Test {
    fn of(given: &Value) -> Result<Self, String> {
        let Value::Object(operator) = given else {
            return match given {
                Value::Array(_) => Err("Match value must be String, number, true, false, or null".to_owned()),
                scalar => Ok(Self::Equals(scalar.clone())),
            };
        };
        let (Some((name, value)), 1) = (operator.iter().next(), operator.len()) else {
            return Err("Only one key allowed in match expression".to_owned());
        };
        match name.as_str() {
            "prefix" => Text::of("prefix", value).map(Self::Prefix),
            "suffix" => Text::of("suffix", value).map(Self::Suffix),
            "equals-ignore-case" => match value {
                Value::String(text) => Ok(Self::IgnoringCase(Text { text: text.to_lowercase(), ignore_case: true })),
                _ => Err("equals-ignore-case match pattern must be a string".to_owned()),
            },
            "wildcard" => wildcard(value).map(Self::Wildcard),
            "exists" => match value {
                Value::Bool(wanted) => Ok(Self::Exists(*wanted)),
                _ => Err("exists match pattern must be either true or false.".to_owned()),
            },
            "numeric" => numeric(value).map(Self::Numeric),
            "cidr" => cidr(value),
            "anything-but" => anything_but(value).map(Self::AnythingBut),
            other => Err(format!("Unrecognized match type {}", shorten(other))),
        }
    }

    /// Of a list one element must fit; what is there and is an object has no value of its own.
    fn fits(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Exists(wanted), value) => value.is_some_and(|value| !value.is_object()) == *wanted,
            (_, Some(Value::Array(values))) => values.iter().any(|value| self.fits_one(value)),
            (_, Some(Value::Object(_)) | None) => false,
            (_, Some(value)) => self.fits_one(value),
        }
    }

    fn fits_one(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Equals(Value::Number(wanted)), Value::Number(value)) => wanted.as_f64() == value.as_f64(),
            (Self::Equals(wanted), value) => wanted == value,
            (Self::Prefix(prefix), Value::String(value)) => prefix.folded(value).starts_with(&prefix.text),
            (Self::Suffix(suffix), Value::String(value)) => suffix.folded(value).ends_with(&suffix.text),
            (Self::IgnoringCase(text), Value::String(value)) => text.folded(value) == text.text,
            (Self::Wildcard(parts), Value::String(value)) => fits_wildcard(parts, value),
            (Self::AnythingBut(others), value) => !others.iter().any(|other| other.fits_one(value)),
            (Self::Numeric(wanted), Value::Number(value)) => value
                .as_f64()
                .is_some_and(|value| wanted.iter().all(|(comparison, wanted)| comparison.holds(value, *wanted))),
            (Self::Cidr(network, bits), Value::String(value)) => {
                value.parse().is_ok_and(|address| in_network(address, *network, *bits))
            }
            _ => false,
        }
    }
}

impl Text {
    /// A string, or `{"equals-ignore-case": …}` around one.
    fn of(operator: &str, value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Ok(Self { text: text.clone(), ignore_case: false }),
            Value::Object(inner) if inner.len() == 1 && inner.contains_key("equals-ignore-case") => {
                let text = inner["equals-ignore-case"].as_str();
                let text = text.ok_or_else(|| format!("{operator} match pattern must be a string"))?;
                Ok(Self { text: text.to_lowercase(), ignore_case: true })
            }
            _ => Err(format!("{operator} match pattern must be a string")),
        }
    }

    fn folded(&self, value: &str) -> String {
        if self.ignore_case { value.to_lowercase() } else { value.to_owned() }
    }
}

/// One value, a list of them, or one operator with one or several.
fn anything_but(value: &Value) -> Result<Vec<Test>, String> {
    let many = |value: &Value| match value {
        Value::Array(values) if values.is_empty() => Err("Empty arrays are not allowed".to_owned()),
        Value::Array(values) => Ok(values.clone()),
        one => Ok(vec![one.clone()]),
    };
    let scalars = |values: Vec<Value>| -> Result<Vec<Test>, String> {
        let strings = values.iter().all(Value::is_string);
        if !strings && !values.iter().all(Value::is_number) {
            return Err(
                "Inside anything but list, either all values are number or string, mixed type is not supported"
                    .to_owned(),
            );
        }
        Ok(values.into_iter().map(Test::Equals).collect())
    };
    let Value::Object(operator) = value else { return scalars(many(value)?) };
    let (Some((name, inner)), 1) = (operator.iter().next(), operator.len()) else {
        return Err("Only one key allowed in match expression".to_owned());
    };
    if !["prefix", "suffix", "equals-ignore-case", "wildcard"].contains(&name.as_str()) {
        return Err(format!("Unsupported anything-but pattern: {}", shorten(name)));
    }
    many(inner)?.into_iter().map(|one| Test::of(&serde_json::json!({ name: one }))).collect()
}

impl Comparison {
    fn of(text: &str) -> Option<Self> {
        match text {
            "=" => Some(Self::Equal),
            "<" => Some(Self::Less),
            "<=" => Some(Self::LessOrEqual),
            ">" => Some(Self::Greater),
            ">=" => Some(Self::GreaterOrEqual),
            _ => None,
        }
    }

    #[expect(clippy::float_cmp, reason = "a number is equal to itself alone")]
    fn holds(self, value: f64, wanted: f64) -> bool {
        match self {
            Self::Equal => value == wanted,
            Self::Less => value < wanted,
            Self::LessOrEqual => value <= wanted,
            Self::Greater => value > wanted,
            Self::GreaterOrEqual => value >= wanted,
        }
    }
}

/// One comparison, or two that make a range.
fn numeric(value: &Value) -> Result<Vec<(Comparison, f64)>, String> {
    let given = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let pairs: Vec<_> = given
        .chunks(2)
        .map_while(|pair| match pair {
            [Value::String(comparison), Value::Number(number)] => Some((Comparison::of(comparison)?, number.as_f64()?)),
            _ => None,
        })
        .collect();
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    match pairs[..] {
        _ if pairs.len() * 2 != given.len() => Err("Unrecognized numeric range operator or value".to_owned()),
        [_] => Ok(pairs),
        [(Greater | GreaterOrEqual, low), (Less | LessOrEqual, high)] if low < high => Ok(pairs),
        [(Greater | GreaterOrEqual, _), (Less | LessOrEqual, _)] => Err("Bottom must be less than top".to_owned()),
        [(Equal, _), ..] => Err("Too many elements in numeric expression".to_owned()),
        _ => Err("Bad numeric range operator".to_owned()),
    }
}

fn cidr(value: &Value) -> Result<Test, String> {
    let malformed = || "Malformed CIDR, one '/' required".to_owned();
    let text = value.as_str().ok_or("prefix match pattern must be a string")?;
    let (address, bits) = text.split_once('/').ok_or_else(malformed)?;
    let address: IpAddr = address.parse().map_err(|_| "Malformed CIDR, invalid IP address".to_owned())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    match bits.parse::<u8>() {
        Ok(bits) if bits <= most => Ok(Test::Cidr(address, bits)),
        _ => Err("Malformed CIDR, mask bits must be an integer that fits the address".to_owned()),
    }
}

fn in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let shifted = |bytes: &[u8]| {
        let whole = bytes.iter().fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        let rest = u32::try_from(bytes.len() * 8).unwrap_or(0).saturating_sub(u32::from(bits));
        whole.checked_shr(rest).unwrap_or(0)
    };
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => shifted(&address.octets()) == shifted(&network.octets()),
        (IpAddr::V6(address), IpAddr::V6(network)) => shifted(&address.octets()) == shifted(&network.octets()),
        _ => false,
    }
}

/// What stands between the asterisks; a backslash takes an asterisk or a backslash for itself `[D]`.
fn wildcard(value: &Value) -> Result<Vec<String>, String> {
    let text = value.as_str().ok_or("wildcard match pattern must be a string")?;
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some(taken @ ('*' | '\\')) => part.push(taken),
                _ => return Err("Invalid escape character in wildcard match pattern".to_owned()),
            },
            '*' if rest.peek() == Some(&'*') => {
                return Err("Consecutive wildcard characters in wildcard match pattern".to_owned());
            }
            '*' => parts.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
    }
    parts.push(part);
    Ok(parts)
}

fn fits_wildcard(parts: &[String], value: &str) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts.first().is_some_and(|only| only == value);
    };
    let Some(mut rest) = value.strip_prefix(first.as_str()) else { return false };
    for part in middle {
        let Some((_, after)) = rest.split_once(part.as_str()) else { return false };
        rest = after;
    }
    rest.ends_with(last.as_str())
}
