//! What is counted of calls.

use std::collections::BTreeSet;
use std::time::Duration;

use mcp_proxy::mcp::method::McpMethod;
use mcp_proxy::mcp::tally::{CallEnd, Tally};

#[test]
fn each_method_and_end_has_a_place_of_its_own() {
    let mut tally = Tally::default();
    assert_eq!(tally.calls().count(), 0);
    for method in McpMethod::ALL {
        for end in CallEnd::ALL {
            tally.on_call_over(method, end, Duration::from_millis(1));
        }
    }
    assert!(tally.calls().all(|(.., count)| count == 1));
    assert_eq!(tally.calls().count(), McpMethod::ALL.len() * CallEnd::ALL.len());
    assert_eq!(tally.times().count(), tally.calls().count() as u64);
}

#[test]
fn methods_go_by_their_names_and_strangers_by_one() {
    let names: BTreeSet<&str> = McpMethod::ALL.into_iter().map(McpMethod::as_str).collect();
    assert_eq!(names.len(), McpMethod::ALL.len());
    for method in McpMethod::ALL {
        assert_eq!(McpMethod::of(method.as_str()), method);
    }
    for stranger in ["", "tools/Call", "tools/call ", "x\"} 1\n", "notifications/initialized"] {
        assert_eq!(McpMethod::of(stranger), McpMethod::Other, "{stranger}");
    }
}
