//! `base::buf`: a queue of bytes, against the simplest model of one.

use std::io::Write as _;

use mcp_proxy::base::buf::Buf;

use crate::support::wire::Cuts;

#[test]
fn a_new_queue_is_empty() {
    let mut buf = Buf::new();
    assert!(buf.is_empty());
    assert_eq!((buf.len(), buf.as_slice()), (0, &b""[..]));
    buf.consume(7);
    buf.clear();
    buf.release();
    assert!(buf.is_empty());
}

#[test]
fn bytes_come_out_in_the_order_they_went_in() {
    let mut buf = Buf::new();
    buf.push(b"hello ");
    buf.push(b"");
    buf.write_all(b"world").unwrap();
    buf.flush().unwrap();
    assert_eq!(buf.as_slice(), b"hello world");
    buf.consume(6);
    assert_eq!(buf.as_slice(), b"world");
    buf.push(b"!");
    assert_eq!((buf.as_slice(), buf.len()), (&b"world!"[..], 6));
}

#[test]
fn consuming_more_than_there_is_consumes_all() {
    let mut buf = Buf::new();
    buf.push(b"abc");
    buf.consume(usize::MAX);
    assert!(buf.is_empty());
    buf.push(b"d");
    assert_eq!(buf.as_slice(), b"d");
}

#[test]
fn release_keeps_what_waits() {
    let mut buf = Buf::new();
    buf.push(b"abc");
    buf.consume(1);
    buf.release();
    assert_eq!(buf.as_slice(), b"bc");
}

#[test]
fn it_does_what_a_vector_would_do() {
    let mut rng = Cuts::new(1);
    for _ in 0..200 {
        let (mut buf, mut model) = (Buf::new(), Vec::new());
        for _ in 0..200 {
            match rng.below(8) {
                0 => buf.release(),
                1..=3 => {
                    let count = [1, 10, model.len(), model.len() + 1, 40_000][rng.below(5)];
                    buf.consume(count);
                    model.drain(..count.min(model.len()));
                }
                _ => {
                    let byte = rng.below(256) as u8;
                    let bytes = vec![byte; [0, 1, 3, 100, 20_000][rng.below(5)]];
                    buf.push(&bytes);
                    model.extend_from_slice(&bytes);
                }
            }
            assert_eq!(buf.len(), model.len());
            assert_eq!(buf.is_empty(), model.is_empty());
            assert_eq!(buf.as_slice(), model);
        }
    }
}
