//! Peers, each a thread that serves connections one after the other.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub(crate) type TlsStream = StreamOwned<ServerConnection, TcpStream>;

/// Serves on any port of 127.0.0.1.
pub(crate) fn serve(handle: impl FnMut(TcpStream) + Send + 'static) -> SocketAddr {
    serve_on("127.0.0.1:0", handle)
}

pub(crate) fn serve_on(addr: &str, mut handle: impl FnMut(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(addr).unwrap();
    let local = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().for_each(|stream| handle(stream.unwrap())));
    local
}

/// The same with TLS; the handshake is made with the first byte that is read or written.
pub(crate) fn serve_tls(config: Arc<ServerConfig>, mut handle: impl FnMut(TlsStream) + Send + 'static) -> SocketAddr {
    serve(move |stream| handle(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream)))
}

/// Sends back whatever comes, until the end.
pub(crate) fn echo(mut stream: impl Read + Write) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count) = stream.read(&mut buffer)
        && count > 0
    {
        if stream.write_all(&buffer[..count]).and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}

/// Reads up to and with an empty line.
pub(crate) fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A forward proxy: opens every tunnel to `target`, whatever it was asked for, with `answer` before it. What it was
/// asked comes out of the channel.
pub(crate) fn forward_proxy(answer: &'static [u8], target: SocketAddr) -> (SocketAddr, Receiver<String>) {
    let (asked, heads): (Sender<String>, _) = mpsc::channel();
    let local = serve(move |mut downstream| {
        let _ = asked.send(read_head(&mut downstream));
        downstream.write_all(answer).unwrap();
        if !answer.starts_with(b"HTTP/1.1 2") && !answer.starts_with(b"HTTP/1.1 1") {
            return;
        }
        let upstream = TcpStream::connect(target).unwrap();
        let (mut from, mut to) = (downstream.try_clone().unwrap(), upstream.try_clone().unwrap());
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
        let (mut from, mut to) = (upstream, downstream);
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
    });
    (local, heads)
}
