//! A loop around `Outbounds`, like the event loop's, and a core that only writes down what it hears.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mcp_proxy::base::buf::Buf;
use mcp_proxy::base::id::{Id, OutboundId};
use mcp_proxy::base::time::Now;
use mcp_proxy::base::url::Url;
use mcp_proxy::config::forward_proxy::ForwardProxies;
use mcp_proxy::io::outbounds::{Core, OutboundSettings, Outbounds, Trust, waker};
use mcp_proxy::proxy::Input;
use mio::{Events, Poll};

use crate::processes::PATIENCE;

/// How often the names below were looked up.
pub(crate) static COUNTED: AtomicUsize = AtomicUsize::new(0);

/// A resolver with names for every occasion.
fn resolve_test(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses: &[&str] = match host {
        "mcp.test" | "mcp.test." | "proxy.test" => &["127.0.0.1"],
        "second.test" => &["127.0.0.2", "127.0.0.1"],
        "six.test" => &["127.0.0.1", "::1"],
        "empty.test" => &[],
        "counted.test" => {
            COUNTED.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(50)); // time for others to ask as well
            &["127.0.0.1"]
        }
        name if name.ends_with("hanging.test") => loop {
            std::thread::park();
        },
        _ => return Err(io::Error::other("failed to lookup address information: Name or service not known")),
    };
    Ok(addresses.iter().map(|address| SocketAddr::new(address.parse::<IpAddr>().unwrap(), port)).collect())
}

/// What the core heard of one connection.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// `connected`, `finished`, `failed: …`, `broken: …`; data are not written down here.
    pub(crate) events: Vec<String>,
    pub(crate) received: Vec<u8>,
    pub(crate) sent: usize,
}

#[derive(Default)]
struct TestCore {
    urls: HashMap<OutboundId, Url>,
    outgoing: HashMap<OutboundId, Buf>,
    heard: HashMap<OutboundId, Heard>,
}

impl TestCore {
    fn on_event(&mut self, outbound: OutboundId, event: String) {
        self.heard.entry(outbound).or_default().events.push(event);
    }
}

impl Core for TestCore {
    fn destination(&self, outbound: OutboundId) -> Option<&Url> {
        self.urls.get(&outbound)
    }

    fn request_bytes(&self, outbound: OutboundId) -> &[u8] {
        self.outgoing.get(&outbound).map_or(&[], Buf::as_slice)
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "what is about anything else is wrong, whatever it is")]
    fn handle(&mut self, input: Input<'_>, _: Now) {
        match input {
            Input::Connected { outbound } => self.on_event(outbound, "connected".to_owned()),
            Input::ConnectFailed { outbound, error } => self.on_event(outbound, format!("failed: {error}")),
            Input::OutboundFinished { outbound } => self.on_event(outbound, "finished".to_owned()),
            Input::OutboundBroken { outbound, error } => self.on_event(outbound, format!("broken: {error}")),
            Input::OutboundReceived { outbound, bytes } => {
                assert!(!bytes.is_empty());
                self.heard.entry(outbound).or_default().received.extend_from_slice(bytes);
            }
            Input::OutboundSent { outbound, count } => {
                assert!(count > 0);
                self.outgoing.get_mut(&outbound).unwrap().consume(count);
                self.heard.entry(outbound).or_default().sent += count;
            }
            other => panic!("not about a connection to an upstream: {other:?}"),
        }
    }
}

pub(crate) struct Driver {
    poll: Poll,
    outbounds: Outbounds,
    core: TestCore,
    buffer: Vec<u8>,
    /// How far the clock has been put forward.
    ahead: Duration,
    next_index: u32,
}

impl Driver {
    /// No proxy, and the certificates of this machine.
    pub(crate) fn new() -> Driver {
        Driver::with(Trust::System, &[])
    }

    /// With these environment variables.
    pub(crate) fn with(trust: Trust, variables: &[(&str, &str)]) -> Driver {
        let variable =
            |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned());
        let proxies = ForwardProxies::from_variables(variable);
        let poll = Poll::new().unwrap();
        let settings = OutboundSettings { proxies, trust, resolve: resolve_test };
        let outbounds = Outbounds::new(settings, waker(poll.registry()).unwrap());
        Driver {
            poll,
            outbounds,
            core: TestCore::default(),
            buffer: vec![0; 64 * 1024],
            ahead: Duration::ZERO,
            next_index: 0,
        }
    }

    fn now(&self) -> Now {
        Now { instant: Instant::now() + self.ahead, unix_seconds: 0 }
    }

    /// Puts the clock forward.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.ahead += time;
    }

    /// Begins a connection.
    pub(crate) fn connect(&mut self, url: &str) -> OutboundId {
        let id = OutboundId::from_parts(self.next_index, 7);
        self.next_index += 1;
        self.core.urls.insert(id, Url::parse(url).unwrap());
        let now = self.now();
        self.outbounds.connect(id, &mut self.core, now);
        id
    }

    /// Begins a connection and waits for what comes of it.
    #[track_caller]
    pub(crate) fn attempt(&mut self, url: &str) -> (OutboundId, String) {
        let id = self.connect(url);
        let event = self.wait_for_event(id, 0);
        (id, event)
    }

    /// Connects, or fails the test.
    #[track_caller]
    pub(crate) fn connected(&mut self, url: &str) -> OutboundId {
        let (id, event) = self.attempt(url);
        assert_eq!(event, "connected", "{url}");
        id
    }

    pub(crate) fn send(&mut self, id: OutboundId, bytes: &[u8]) {
        self.core.outgoing.entry(id).or_default().push(bytes);
        self.outbounds.mark_dirty(id);
        self.settle();
    }

    pub(crate) fn close(&mut self, id: OutboundId) {
        self.outbounds.close(id);
    }

    pub(crate) fn heard(&mut self, id: OutboundId) -> &Heard {
        self.core.heard.entry(id).or_default()
    }

    pub(crate) fn warning(&mut self) -> Option<String> {
        self.outbounds.poll_warning()
    }

    /// Waits for the event with this index of a connection.
    #[track_caller]
    pub(crate) fn wait_for_event(&mut self, id: OutboundId, index: usize) -> String {
        self.wait_until(|driver| driver.heard(id).events.len() > index);
        self.heard(id).events[index].clone()
    }

    #[track_caller]
    pub(crate) fn wait_for_bytes(&mut self, id: OutboundId, count: usize) {
        self.wait_until(|driver| driver.heard(id).received.len() >= count);
    }

    #[track_caller]
    pub(crate) fn wait_until(&mut self, mut is_so: impl FnMut(&mut Driver) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            assert!(start.elapsed() < PATIENCE, "waited in vain");
            self.turn();
        }
    }

    /// One turn of the loop.
    pub(crate) fn turn(&mut self) {
        let mut events = Events::with_capacity(64);
        let now = self.now().instant;
        let longest = if self.outbounds.is_busy_after_turn(now) { Duration::ZERO } else { Duration::from_millis(20) };
        let due = self.outbounds.poll_timeout().map(|due| due.saturating_duration_since(now));
        match self.poll.poll(&mut events, Some(due.map_or(longest, |due| due.min(longest)))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => panic!("{error}"),
            _ => {}
        }
        let now = self.now();
        events.iter().for_each(|event| self.outbounds.on_event(event));
        self.outbounds.read(&mut self.core, self.poll.registry(), &mut self.buffer, now);
        self.outbounds.handle_timeout(&mut self.core, now);
        assert!(self.outbounds.poll_timeout().is_none_or(|due| due > now.instant), "a due deadline spins");
        self.settle();
    }

    fn settle(&mut self) {
        let now = self.now();
        while self.outbounds.is_dirty() {
            self.outbounds.flush(&mut self.core, now);
        }
    }
}
