//! The core with the built-in demo server as its child: what a client sees when both sides are real, in virtual time.

use std::ops::{Deref, DerefMut};

use super::playbook::Playbook;
use super::requests;

/// A [`Playbook`] whose children are demo servers; their lines do not show.
pub(crate) struct Pair(Playbook);

impl Pair {
    /// With a ready server and a session, which it returns, on connection `a`.
    pub(crate) fn new() -> (Pair, String) {
        let mut pair = Pair(Playbook::build(requests::config(&["demo"]), requests::loopback(), true));
        let session = pair.session("a");
        pair.forget();
        (pair, session)
    }

    /// Calls a tool.
    pub(crate) fn call(&mut self, name: &str, session: &str, id: u64, tool: &str, arguments: &str) {
        let params = format!("{{\"name\":\"{tool}\",\"arguments\":{arguments}}}");
        self.post(name, session, &format!("{{\"id\":{id},\"method\":\"tools/call\",\"params\":{params}}}"));
    }
}

impl Deref for Pair {
    type Target = Playbook;

    fn deref(&self) -> &Playbook {
        &self.0
    }
}

impl DerefMut for Pair {
    fn deref_mut(&mut self) -> &mut Playbook {
        &mut self.0
    }
}
