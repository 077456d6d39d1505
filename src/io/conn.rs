//! Downstream connections: bytes from the socket to the core and back.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry};

use super::readiness::{Progress, Readable, Source};
use super::table::Table;
use super::turns::Turns;
use crate::base::id::{ConnId, Id};
use crate::base::time::Now;
use crate::limits;
use crate::proxy::{Input, Proxy};

/// All downstreams' sockets.
#[derive(Debug)]
pub(super) struct Conns {
    table: Table<ConnId, Conn>,
    /// Those to be read.
    ready: Turns<ConnId, Conn>,
    /// Those to be written.
    dirty: Turns<ConnId, Conn>,
}

impl Default for Conns {
    fn default() -> Self {
        Conns {
            table: Table::default(),
            ready: Turns::new(|conn| &mut conn.is_queued),
            dirty: Turns::new(|conn| &mut conn.is_dirty),
        }
    }
}

impl Conns {
    /// Takes over a socket that the core has given an id.
    ///
    /// # Errors
    ///
    /// The poll refused it. The socket is closed; the core has to be told.
    pub(super) fn insert(&mut self, id: ConnId, mut stream: TcpStream, registry: &Registry) -> io::Result<()> {
        // An answer is written whole: waiting for more to fill a packet would only delay it. A socket that refuses
        // this is slower, not wrong.
        let _ = stream.set_nodelay(true);
        let token = Source::Conn(id.index()).token();
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        self.table.insert(id, Conn::new(stream));
        Ok(())
    }

    /// Notes what the poll said; nothing is read or written here.
    pub(super) fn on_event(&mut self, index: u32, event: &Event) {
        let Some((id, conn)) = self.table.at(index) else { return };
        conn.readable.on_event(event);
        conn.is_broken |= event.is_error();
        if event.is_writable() && !conn.is_writable {
            conn.is_writable = true;
            self.mark_dirty(id);
        }
        self.mark_ready(id);
    }

    /// There may be something to read, and the core may want it.
    pub(super) fn mark_ready(&mut self, id: ConnId) {
        let Some(conn) = self.table.find(id) else { return };
        if conn.readable.is_ready() || conn.is_broken {
            self.ready.push(id, conn);
        }
    }

    /// The core has bytes for it. They are written by [`Conns::flush`], so that whatever else is said to it in the
    /// same turn goes with the same write.
    pub(super) fn mark_dirty(&mut self, id: ConnId) {
        let Some(conn) = self.table.find(id) else { return };
        if conn.is_writable {
            self.dirty.push(id, conn);
        }
    }

    /// Reads from all that are ready, each up to its share.
    pub(super) fn read(&mut self, core: &mut Proxy, buffer: &mut [u8], now: Now) {
        self.ready.serve(&mut self.table, |id, conn| {
            let read = conn.read(id, core, buffer, now);
            read.unwrap_or_else(|_| on_broken(id, core, now))
        });
    }

    /// Writes to all that are dirty, each up to its share. The core may have more to say afterwards.
    pub(super) fn flush(&mut self, core: &mut Proxy, now: Now) {
        self.dirty.serve(&mut self.table, |id, conn| {
            let written = conn.write(id, core, now);
            written.unwrap_or_else(|_| on_broken(id, core, now))
        });
    }

    /// Whether [`Conns::flush`] has something to do.
    pub(super) fn is_dirty(&self) -> bool {
        self.dirty.is_waiting()
    }

    /// A turn ends. Returns whether somebody has more to read or to write; then the next poll must not wait.
    pub(super) fn is_busy_after_turn(&mut self) -> bool {
        self.ready.end_turn() | self.dirty.end_turn()
    }

    /// Shuts the sending side down.
    pub(super) fn finish_writing(&mut self, id: ConnId) {
        if let Some(conn) = self.table.find(id) {
            // Fails only if the peer is gone, which the next read reports.
            let _ = conn.stream.shutdown(Shutdown::Write);
        }
    }

    /// Closes the socket. Its only descriptor goes, and the registration with it.
    pub(super) fn close(&mut self, id: ConnId) {
        self.table.remove(id);
    }
}

fn on_broken(id: ConnId, core: &mut Proxy, now: Now) -> Progress {
    core.handle(Input::Broken { conn: id }, now);
    Progress::Gone
}

/// One downstream's socket.
#[derive(Debug)]
struct Conn {
    stream: TcpStream,
    readable: Readable,
    /// Cleared by `WouldBlock` from a write, set by an event.
    is_writable: bool,
    /// The kernel reported an error: both directions are dead, even if the core reads and writes nothing just now.
    is_broken: bool,
    /// Whether it stands in the queue of those to be read.
    is_queued: bool,
    /// Whether it stands in the queue of those to be written.
    is_dirty: bool,
}

impl Conn {
    fn new(stream: TcpStream) -> Conn {
        Conn { stream, readable: Readable::No, is_writable: true, is_broken: false, is_queued: false, is_dirty: false }
    }

    /// Reads while there is something, the core wants it, and the share lasts.
    fn read(&mut self, id: ConnId, core: &mut Proxy, buffer: &mut [u8], now: Now) -> io::Result<Progress> {
        let mut share = limits::TURN_BYTES_MAX;
        while self.readable.is_ready() && core.is_reading(id) {
            if share == 0 {
                return Ok(Progress::Again);
            }
            match self.stream.read(buffer) {
                Ok(0) => {
                    self.readable.on_end();
                    core.handle(Input::Finished { conn: id }, now);
                }
                Ok(count) => {
                    if count < buffer.len() {
                        self.readable.on_short_read();
                    }
                    share = share.saturating_sub(count);
                    core.handle(Input::Received { conn: id, bytes: &buffer[..count] }, now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable.on_would_block(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // Not before: what came ahead of the error is as good as anything else, and may end a session.
        if self.is_broken { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(Progress::Idle) }
    }

    /// Writes while the core has something, the socket takes it, and the share lasts.
    fn write(&mut self, id: ConnId, core: &mut Proxy, now: Now) -> io::Result<Progress> {
        let mut share = limits::TURN_BYTES_MAX;
        while self.is_writable {
            let bytes = core.outgoing(id);
            if bytes.is_empty() {
                break;
            }
            if share == 0 {
                return Ok(Progress::Again);
            }
            match self.stream.write(&bytes[..bytes.len().min(share)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    share -= count;
                    core.handle(Input::Sent { conn: id, count }, now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Progress::Idle)
    }
}
