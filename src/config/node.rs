//! One value of the file, with its place, and what it may be read as.
//!
//! The JSON text is never built into a tree: a node is a slice of it, and its distance from the start is its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::report::{Place, Report, member_path};

/// A value with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// As typed.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// What became of an optional member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// Not there, or `null`.
    #[default]
    Absent,
    /// There, but of a wrong type; that has been reported, so nothing more is said about it.
    Refused,
    /// There.
    Given(At<T>),
}

impl<T> Field<T> {
    /// The value with its place, if it is there.
    pub fn given(&self) -> Option<&At<T>> {
        match self {
            Field::Given(at) => Some(at),
            Field::Absent | Field::Refused => None,
        }
    }

    /// The value, to be changed, if it is there.
    pub(super) fn given_mut(&mut self) -> Option<&mut T> {
        match self {
            Field::Given(at) => Some(&mut at.value),
            Field::Absent | Field::Refused => None,
        }
    }

    /// Whether the file says anything here, right or wrong.
    pub fn is_said(&self) -> bool {
        match self {
            Field::Absent => false,
            Field::Refused | Field::Given(_) => true,
        }
    }

    /// Whether it is there and cannot be used.
    pub fn is_refused(&self) -> bool {
        matches!(self, Field::Refused)
    }

    /// The value, if it is there.
    pub fn value(&self) -> Option<&T> {
        self.given().map(|at| &at.value)
    }
}

/// A member of an object of strings: its key and its value.
pub type NamedText = (At<String>, At<String>);

/// A duration of a remote server as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timeout {
    /// With its unit: `30s`.
    Text(String),
    /// A bare number, which the reference reads so.
    Nanoseconds(u64),
}

/// A slice of the JSON text.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    json: &'a RawValue,
    text_start: usize,
    path: String,
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Member<'a> {
    /// With its escapes resolved.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) place: Place,
    /// Its value.
    pub(super) node: Node<'a>,
}

impl<'a> Node<'a> {
    /// The whole text.
    pub(super) fn top(text: &'a [u8]) -> Result<Node<'a>, serde_json::Error> {
        let json = serde_json::from_slice(text)?;
        Ok(Node { json, text_start: text.as_ptr().addr(), path: String::new() })
    }

    /// Where it stands.
    pub(super) fn place(&self) -> Place {
        Place { offset: self.offset_of(self.json), path: self.path.clone() }
    }

    fn offset_of(&self, json: &RawValue) -> usize {
        json.get().as_ptr().addr() - self.text_start
    }

    fn child(&self, json: &'a RawValue, path: String) -> Node<'a> {
        Node { json, text_start: self.text_start, path }
    }

    /// Whether it stands for nothing.
    pub(super) fn is_null(&self) -> bool {
        self.json.get() == "null"
    }

    /// The members of an object, in their order; anything else, and doubled keys, are reported.
    pub(super) fn members(&self, report: &mut Report) -> Option<Vec<Member<'a>>> {
        let Ok(Pairs(pairs)) = serde_json::from_str::<Pairs<'a>>(self.json.get()) else {
            self.refuse("an object", "Write it in braces: { ... }", report);
            return None;
        };
        let mut members: Vec<Member<'a>> = Vec::with_capacity(pairs.len());
        for (key_json, json) in pairs {
            let key: String = serde_json::from_str(key_json.get()).unwrap_or_default();
            let path = member_path(&self.path, &key);
            let place = Place { offset: self.offset_of(key_json), path: path.clone() };
            if members.iter().any(|earlier| earlier.key == key) {
                report.error(&place, "is here for the second time", "Keep one of the two.");
                continue;
            }
            members.push(Member { key, place, node: self.child(json, path) });
        }
        Some(members)
    }

    /// The members of an object that may be missing.
    pub(super) fn optional_members(&self, report: &mut Report) -> Vec<Member<'a>> {
        if self.is_null() { Vec::new() } else { self.members(report).unwrap_or_default() }
    }

    /// A string that may be missing.
    pub(super) fn string(&self, report: &mut Report) -> Field<String> {
        if self.is_null() { Field::Absent } else { self.required_string(report).into() }
    }

    fn required_string(&self, report: &mut Report) -> Option<At<String>> {
        match serde_json::from_str(self.json.get()) {
            Ok(value) => Some(At { value, place: self.place() }),
            Err(_) if self.json.get().starts_with('"') => {
                let advice = "Look for \\ escapes: JSON knows \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX.";
                report.error(&self.place(), "is not a valid JSON string", advice);
                None
            }
            Err(_) => {
                let advice = match self.json.get().as_bytes().first() {
                    Some(b'[' | b'{') => "Write a single string: \"...\"",
                    Some(b'n') => "Remove it, or write a string: \"...\"",
                    _ => "Put it in quotes.",
                };
                self.refuse("a string", advice, report);
                None
            }
        }
    }

    /// A duration as typed: a string that may be missing.
    pub(super) fn duration(&self, report: &mut Report) -> Field<String> {
        if self.is_null() || self.json.get().starts_with('"') {
            return self.string(report);
        }
        let advice = "Write it with its unit, in quotes: \"30s\", \"1m30s\" or \"500ms\".";
        self.refuse("a duration", advice, report);
        Field::Refused
    }

    /// A duration as typed, or as the reference has it: a number of nanoseconds. It may be missing.
    pub(super) fn duration_or_nanoseconds(&self, report: &mut Report) -> Field<Timeout> {
        if let Ok(nanoseconds) = serde_json::from_str::<u64>(self.json.get()) {
            return Field::Given(At { value: Timeout::Nanoseconds(nanoseconds), place: self.place() });
        }
        match self.duration(report) {
            Field::Absent => Field::Absent,
            Field::Refused => Field::Refused,
            Field::Given(At { value, place }) => Field::Given(At { value: Timeout::Text(value), place }),
        }
    }

    /// `true` or `false`, or missing.
    pub(super) fn boolean(&self, report: &mut Report) -> Field<bool> {
        match self.json.get() {
            "null" => Field::Absent,
            "true" => Field::Given(At { value: true, place: self.place() }),
            "false" => Field::Given(At { value: false, place: self.place() }),
            quoted @ ("\"true\"" | "\"false\"") => {
                let advice = format!("Remove the quotes: {}", quoted.trim_matches('"'));
                self.refuse("true or false", advice, report);
                Field::Refused
            }
            _ => {
                self.refuse("true or false", "Write true or false, without quotes.", report);
                Field::Refused
            }
        }
    }

    /// A whole number that may be missing.
    pub(super) fn integer(&self, report: &mut Report) -> Field<i64> {
        if self.is_null() {
            return Field::Absent;
        }
        if let Ok(value) = serde_json::from_str(self.json.get()) {
            return Field::Given(At { value, place: self.place() });
        }
        let digits = self.json.get().trim_matches('"');
        if digits.parse::<i64>().is_ok() {
            self.refuse("a whole number", format!("Remove the quotes: {digits}"), report);
        } else if self.kind() == "a number" {
            report.error(&self.place(), "must be a whole number", "Round it.");
        } else {
            self.refuse("a whole number", "Write one, without quotes.", report);
        }
        Field::Refused
    }

    /// A list of strings that may be missing. Elements that are none are reported and left out.
    pub(super) fn strings(&self, report: &mut Report) -> Field<Vec<At<String>>> {
        if self.is_null() {
            return Field::Absent;
        }
        let Ok(elements) = serde_json::from_str::<Vec<&'a RawValue>>(self.json.get()) else {
            let advice = if self.json.get().starts_with('"') {
                "Put it in brackets: [\"...\"]"
            } else {
                "Write it as [\"...\", \"...\"]"
            };
            self.refuse("a list of strings", advice, report);
            return Field::Refused;
        };
        let node_at = |(index, json)| self.child(json, format!("{}[{index}]", self.path));
        let nodes = elements.into_iter().enumerate().map(node_at);
        let value = nodes.filter_map(|node| node.required_string(report)).collect();
        Field::Given(At { value, place: self.place() })
    }

    /// An object of strings that may be missing. Members that are none are reported and left out.
    pub(super) fn string_members(&self, report: &mut Report) -> Field<Vec<NamedText>> {
        if self.is_null() {
            return Field::Absent;
        }
        let Some(members) = self.members(report) else { return Field::Refused };
        let as_strings = |member: Member<'a>| {
            let value = member.node.required_string(report)?;
            Some((At { value: member.key, place: member.place }, value))
        };
        Field::Given(At { value: members.into_iter().filter_map(as_strings).collect(), place: self.place() })
    }

    fn refuse(&self, expected: &str, advice: impl Into<String>, report: &mut Report) {
        report.error(&self.place(), format!("must be {expected}, but is {}", self.kind()), advice);
    }

    fn kind(&self) -> &'static str {
        match self.json.get().as_bytes().first() {
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b't') => "true",
            Some(b'f') => "false",
            Some(b'n') => "null",
            _ => "a number",
        }
    }
}

impl<T> From<Option<At<T>>> for Field<T> {
    /// `None` means that the value was refused.
    fn from(value: Option<At<T>>) -> Field<T> {
        value.map_or(Field::Refused, Field::Given)
    }
}

/// Keys and values as slices of the text, doubled ones included.
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}
