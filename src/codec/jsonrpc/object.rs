//! An object taken apart into its members, for the few messages that are put together anew. What a member says stays
//! as it is.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use super::members::members;
use super::write;

/// Members in their order, each with its value as JSON text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Object<'a> {
    /// Takes an object apart. `None`: the text is none, or a member stands there twice, and readers differ in which one
    /// counts.
    pub fn read(text: &'a str) -> Option<Object<'a>> {
        let named = members(text).map(|member| member.map(|member| (member.key, Cow::Borrowed(member.value))));
        let all: Vec<_> = named.collect::<Result<_, _>>().ok()?;
        let names: HashSet<&str> = all.iter().map(|(name, _)| &**name).collect();
        let is_clear = names.len() == all.len();
        is_clear.then_some(Object(all))
    }

    /// What a member says. `null` says nothing.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| &**value).filter(|value| *value != "null")
    }

    /// Takes out what `is_meant` says.
    pub fn remove(&mut self, is_meant: impl Fn(&str, &str) -> bool) {
        self.0.retain(|(name, value)| !is_meant(name, value));
    }

    /// Adds a member, or says something else in its place.
    pub fn set(&mut self, name: &'a str, value: impl Into<Cow<'a, str>>) {
        let value = value.into();
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.into(), value)),
        }
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As JSON text.
impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{}:{value}", write::string(name))?;
        }
        f.write_str("}")
    }
}
