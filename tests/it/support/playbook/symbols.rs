//! Readable names for the numbers that the proxy chooses.

use serde_json::Value;

/// Which members carry such a number.
const MEMBERS: [&str; 3] = ["id", "progressToken", "requestId"];

/// Numbers in the order in which they were seen.
#[derive(Debug)]
pub(crate) struct Symbols {
    mark: char,
    numbers: Vec<u64>,
}

impl Symbols {
    pub(crate) fn new(mark: char) -> Symbols {
        Symbols { mark, numbers: Vec::new() }
    }

    /// Notes the id of a request.
    pub(crate) fn learn(&mut self, message: &str) {
        let Ok(Value::Object(message)) = serde_json::from_str(message) else { return };
        let id = message.get("id").and_then(Value::as_u64).filter(|_| message.contains_key("method"));
        self.numbers.extend(id.filter(|id| !self.numbers.contains(id)));
    }

    /// The number of a symbol, from 1.
    pub(crate) fn number(&self, symbol: usize) -> u64 {
        self.numbers[symbol - 1]
    }

    /// The newest number.
    pub(crate) fn last(&self) -> u64 {
        *self.numbers.last().expect("a request")
    }

    /// With symbols for numbers, and without the version of JSON-RPC.
    pub(crate) fn show(&self, message: &str) -> String {
        let is_request = message.contains("\"method\":");
        let mut text = message.replacen("\"jsonrpc\":\"2.0\",", "", 1);
        for (index, number) in self.numbers.iter().enumerate() {
            for member in MEMBERS.iter().filter(|member| is_request || **member != "id") {
                for end in [",", "}"] {
                    let (from, to) = (
                        format!("\"{member}\":{number}{end}"),
                        format!("\"{member}\":{}{}{end}", self.mark, index + 1),
                    );
                    text = text.replace(&from, &to);
                }
            }
        }
        text
    }

    /// With numbers for symbols.
    pub(crate) fn resolve(&self, message: &str) -> String {
        let mut text = message.to_owned();
        for (index, number) in self.numbers.iter().enumerate().rev() {
            text = text.replace(&format!(":{}{}", self.mark, index + 1), &format!(":{number}"));
        }
        text
    }
}
