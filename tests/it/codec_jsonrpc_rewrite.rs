//! `codec::jsonrpc::rewrite`: the same message, whichever way it is written.

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::jsonrpc::rewrite::Rewrite;
use mcp_proxy::codec::jsonrpc::splice::{Patch, push_line};

#[test]
fn pieces_and_lines_say_the_same() {
    let message = b"abcdefgh";
    let mut rewrite = Rewrite::default();
    assert!(rewrite.is_empty());
    assert_eq!(rewrite.pieces(message, []), [message]);
    rewrite.remove(6..8);
    rewrite.replace(1..2, "BB");
    rewrite.replace(2..2, "-");
    assert!(!rewrite.is_empty());
    let id = || Patch { range: 3..5, text: "7" };
    let pieces = rewrite.pieces(message, [id()]);
    assert_eq!(pieces, [&b"a"[..], b"BB", b"-", b"c", b"7", b"f"]);
    let mut line = Buf::new();
    push_line(&mut line, message, &mut rewrite.patches().chain([id()]).collect::<Vec<_>>());
    assert_eq!(line.as_slice(), [pieces.concat(), b"\n".to_vec()].concat());
}

#[test]
fn what_stays_is_not_copied() {
    let message = vec![b'x'; 1_000];
    let mut rewrite = Rewrite::default();
    rewrite.replace(500..501, "y");
    let pieces = rewrite.pieces(&message, []);
    assert_eq!(pieces[0].as_ptr(), message.as_ptr());
    assert_eq!(pieces[2].as_ptr(), message[501..].as_ptr());
}

#[test]
fn a_place_that_is_not_there_harms_nobody() {
    let mut rewrite = Rewrite::default();
    rewrite.replace(10..12, "x");
    assert_eq!(rewrite.pieces(b"abc", []).concat(), b"x");
}
