//! `mcp::request_state`: what a state was sealed for opens it, and nothing else.

use mcp_proxy::limits::{REQUEST_STATE_BYTES_MAX, SUBJECT_BYTES_MAX};
use mcp_proxy::mcp::request_state::{Context, Seal, Unsealable, digest};

const CONTEXT: Context<'_> = Context { principal: b"p", server: "s", method: "m", digest: [1; 32] };

#[test]
fn what_is_sealed_opens() {
    let seal = Seal::new([7; 32]);
    for payload in [&b""[..], b"x", &[0xff; 64]] {
        let state = seal.seal([3; 12], &CONTEXT, payload);
        assert_eq!(seal.open(&CONTEXT, &state), Ok(payload.to_vec()));
        assert!(state.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{state}");
    }
}

#[test]
fn for_something_else_it_does_not() {
    let seal = Seal::new([7; 32]);
    let state = seal.seal([3; 12], &CONTEXT, b"x");
    for other in [
        Context { principal: b"q", ..CONTEXT },
        Context { principal: b"", ..CONTEXT },
        Context { server: "t", ..CONTEXT },
        Context { method: "n", ..CONTEXT },
        Context { digest: [2; 32], ..CONTEXT },
        // The same bytes, otherwise divided.
        Context { principal: b"ps", server: "", ..CONTEXT },
        Context { server: "sm", method: "", ..CONTEXT },
    ] {
        assert_eq!(seal.open(&other, &state), Err(Unsealable), "{other:?}");
    }
    assert_eq!(Seal::new([8; 32]).open(&CONTEXT, &state), Err(Unsealable));
}

#[test]
fn what_was_changed_does_not() {
    let seal = Seal::new([7; 32]);
    let state = seal.seal([3; 12], &CONTEXT, b"x");
    for at in 0..state.len() {
        let mut changed = state.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        // The last digit of base64 has bits that stand for nothing; they must be zero.
        assert_eq!(seal.open(&CONTEXT, &changed), Err(Unsealable), "{at}");
        assert_eq!(seal.open(&CONTEXT, &state[..at]), Err(Unsealable), "{at}");
    }
    let long = "A".repeat(REQUEST_STATE_BYTES_MAX + 1);
    for other in [format!("{state}-TAMPERED"), format!("{state}="), "é".to_owned(), String::new(), long] {
        assert_eq!(seal.open(&CONTEXT, &other), Err(Unsealable), "{other}");
    }
}

#[test]
fn the_digest_is_of_what_is_asked_however_it_is_spelt() {
    let one = digest(Some(r#"{"name":"t","arguments":{"a":1,"b":{"c":[1,2],"d":"é"}}}"#)).unwrap();
    for same in [
        r#"{"arguments":{"b":{"d":"\u00e9","c":[1, 2]},"a":1},"name":"t"}"#,
        r#"{"name":"t","arguments":{"a":1,"b":{"c":[1,2],"d":"é"}},"inputResponses":{},"requestState":"x"}"#,
    ] {
        assert_eq!(digest(Some(same)).unwrap(), one, "{same}");
    }
    for other in [
        r#"{"name":"t","arguments":{"a":1,"b":{"c":[2,1],"d":"é"}}}"#,
        r#"{"name":"u","arguments":{"a":1,"b":{"c":[1,2],"d":"é"}}}"#,
        r#"{"uri":"t","arguments":{"a":1,"b":{"c":[1,2],"d":"é"}}}"#,
        r#"{"name":"t"}"#,
        "{}",
    ] {
        assert_ne!(digest(Some(other)).unwrap(), one, "{other}");
    }
    assert_ne!(digest(Some(r#"{"name":"a"}"#)).unwrap(), digest(Some(r#"{"uri":"a"}"#)).unwrap());
    assert_eq!(digest(None).unwrap(), digest(Some("{}")).unwrap());
}

#[test]
fn a_depth_bomb_is_an_error() {
    let bomb = format!(r#"{{"arguments":{}{}}}"#, "[".repeat(8_000), "]".repeat(8_000));
    assert!(digest(Some(&bomb)).is_err());
}

#[test]
fn what_is_long_counts_as_it_stands_there() {
    let with = |arguments: &str| digest(Some(&format!("{{\"name\":\"t\",\"arguments\":{arguments}}}"))).unwrap();
    let long = |end: &str| format!("[{}{end}]", "{\"\":0},".repeat(SUBJECT_BYTES_MAX / 7 + 1));
    assert_eq!(with(&long("1")), with(&long("1")));
    for other in ["2", "1.0", "1 "] {
        assert_ne!(with(&long("1")), with(&long(other)), "{other}");
    }
    let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(with(&bomb), with(&bomb));
}

#[test]
fn a_long_number_stays_the_same_when_it_is_written_anew() {
    for number in
        ["222222222222222222222222", "2.2222222222222222e+23", "0.1234567890123456789", "123456789.123456789e-30"]
    {
        let params = format!(r#"{{"arguments":{{"x":{number}}}}}"#);
        let anew = serde_json::from_str::<serde_json::Value>(&params).unwrap().to_string();
        assert_eq!(digest(Some(&params)).unwrap(), digest(Some(&anew)).unwrap(), "{anew}");
    }
}
