//! The `Date` header, formatted once a second.

use crate::base::time::http_date;

/// The text of the current second.
#[derive(Debug, Default)]
pub(crate) struct DateHeader {
    unix_seconds: u64,
    text: String,
}

impl DateHeader {
    /// The time that was set last, in seconds since 1970.
    pub(crate) fn unix_seconds(&self) -> u64 {
        self.unix_seconds
    }

    pub(crate) fn set(&mut self, unix_seconds: u64) {
        if self.unix_seconds != unix_seconds || self.text.is_empty() {
            self.unix_seconds = unix_seconds;
            self.text = http_date(unix_seconds);
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}
