//! `mcp::header_mismatch`: what is said about headers that do not agree with the body.

use mcp_proxy::codec::header_value::HeaderValueError;
use mcp_proxy::mcp::header_mismatch::{Mismatch, Problem};

#[test]
fn every_mismatch_names_its_header() {
    let different = Problem::Different { header: "foo".to_owned(), body: "bar".to_owned() };
    for (problem, words) in [
        (Problem::Missing, "is missing"),
        (Problem::Unexpected, "no value for it"),
        (Problem::Doubled, "more than once"),
        (Problem::Undecodable(HeaderValueError::Base64), "marked as Base64 and is none"),
        (different, "the value \"foo\" of Mcp-Name does not match \"bar\""),
        (Problem::Unclear, "two ways"),
    ] {
        let message = Mismatch { header: "Mcp-Name".to_owned(), problem }.to_string();
        assert!(message.starts_with("header mismatch: ") && message.contains("Mcp-Name"), "{message}");
        assert!(message.contains(words), "{message}");
    }
}
