//! Base64: the vectors of RFC 4648 (10), and every character.

use mcp_proxy::base::base64::encode;

#[test]
fn the_vectors_of_the_rfc() {
    for (text, expected) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(encode(text.as_bytes()), expected);
    }
}

#[test]
fn all_characters_in_their_order() {
    let bits = (0..64_u32).flat_map(|value| (0..6).rev().map(move |bit| value >> bit & 1)).collect::<Vec<_>>();
    let bytes: Vec<u8> = bits.chunks(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | *bit as u8)).collect();
    assert_eq!(encode(&bytes), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}
