//! The arguments of a tool call.
//!
//! What is wrong with them is told in the tool's result, not as a JSON-RPC error: a model reads results and tries again
//! (server/tools, "Error Handling": input validation errors are tool execution errors).

use serde_json::{Map, Value};

/// What a tool was called with.
pub(super) struct Args(pub(super) Map<String, Value>);

impl Args {
    /// A text, or `None` where there is none.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("`{name}` must be a string, not {other}.")),
        }
    }

    /// A number that must be there.
    pub(super) fn number(&self, name: &str) -> Result<&serde_json::Number, String> {
        match self.0.get(name) {
            None => Err(format!("`{name}` is missing: it must be a number.")),
            Some(Value::Number(number)) => Ok(number),
            Some(other) => Err(format!("`{name}` must be a number, not {other}.")),
        }
    }

    /// A number from 0 to `max`.
    pub(super) fn fraction(&self, name: &str, default: f64, max: f64) -> Result<f64, String> {
        let Some(value) = self.0.get(name) else { return Ok(default) };
        value
            .as_f64()
            .filter(|number| (0.0..=max).contains(number))
            .ok_or_else(|| format!("`{name}` must be a number from 0 to {max}, not {value}."))
    }

    /// A whole number from `min` to `max`; without a default it must be there. `5.0` is one too: JSON knows no types of
    /// numbers.
    pub(super) fn whole(&self, name: &str, default: Option<u64>, min: u64, max: u64) -> Result<u64, String> {
        let value = match (self.0.get(name), default) {
            (Some(value), _) => value,
            (None, Some(default)) => return Ok(default),
            (None, None) => return Err(format!("`{name}` is missing: it must be a whole number up to {max}.")),
        };
        let float = value.as_f64().filter(|float| float.fract() == 0.0 && (0.0..=1e15).contains(float));
        value
            .as_u64()
            .or(float.map(|float| float as u64))
            .filter(|whole| (min..=max).contains(whole))
            .ok_or_else(|| format!("`{name}` must be a whole number from {min} to {max}, not {value}."))
    }
}
