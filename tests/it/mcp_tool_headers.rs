//! `mcp::tool_headers`: annotations where they may stand, and everything that spoils a tool.

use mcp_proxy::limits::{TOOL_HEADER_NAME_BYTES_MAX, TOOL_HEADERS_MAX, TOOL_SCHEMA_BYTES_MAX, TOOL_SCHEMA_DEPTH_MAX};
use mcp_proxy::mcp::tool_headers::{InvalidTool, Primitive, Reason, ToolHeaders};

/// Name, path and type.
type Header<'a> = (&'a str, &'a str, Primitive);

/// The headers of a tool whose schema has these properties: name, path, type.
fn read(properties: &str) -> Result<Vec<(String, String, Primitive)>, Reason> {
    let schema = format!(r#"{{"type":"object","properties":{properties}}}"#);
    let tool = format!(r#"{{"name":"t","description":"x-mcp-header","inputSchema":{schema},"outputSchema":{schema}}}"#);
    let headers = ToolHeaders::of_schema(&schema);
    assert_eq!(headers, ToolHeaders::of_tool(&tool));
    let headers = headers.map_err(|InvalidTool { reason, .. }| reason)?;
    Ok(headers.iter().map(|header| (header.header.clone(), header.path.join("."), header.kind)).collect())
}

/// What is wrong with a schema.
fn reason(schema: &str) -> Option<Reason> {
    ToolHeaders::of_schema(schema).err().map(|invalid| invalid.reason)
}

#[test]
fn annotated_properties_are_found_at_any_depth_of_properties() {
    let cases: [(&str, &[Header<'_>]); 7] = [
        ("{}", &[]),
        (r#"{"a":{"type":"string"},"b":true,"c":{}}"#, &[]),
        (
            r#"{"region":{"type":"string","x-mcp-header":"Region"}}"#,
            &[("Mcp-Param-Region", "region", Primitive::String)],
        ),
        (
            r#"{"a":{"x-mcp-header":"B","type":"boolean"},"n":{"type":"integer","x-mcp-header":"b-2"}}"#,
            &[("Mcp-Param-B", "a", Primitive::Boolean), ("Mcp-Param-b-2", "n", Primitive::Integer)],
        ),
        (
            r#"{"o":{"type":"object","properties":{"p":{"properties":{"q":{"type":"string","x-mcp-header":"Q"}}}}}}"#,
            &[("Mcp-Param-Q", "o.p.q", Primitive::String)],
        ),
        (
            r#"{"\u0061":{"type":"strin\u0067","x-mcp-\u0068eader":"\u0051"}}"#,
            &[("Mcp-Param-Q", "a", Primitive::String)],
        ),
        (
            r#"{"a":{"$ref":"http://example.com/","$id":"x","type":"string","x-mcp-header":"A"}}"#,
            &[("Mcp-Param-A", "a", Primitive::String)],
        ),
    ];
    for (properties, expected) in cases {
        let expected: Vec<_> =
            expected.iter().map(|(name, path, kind)| ((*name).to_owned(), (*path).to_owned(), *kind)).collect();
        assert_eq!(read(properties), Ok(expected), "{properties}");
    }
}

#[test]
fn a_name_is_a_token() {
    for name in
        ["a", "Region", "X-Y_z.1", "!#$%&'*+-.^_`|~", "0", "te", "host", &"n".repeat(TOOL_HEADER_NAME_BYTES_MAX)]
    {
        let properties = format!(r#"{{"a":{{"type":"string","x-mcp-header":"{name}"}}}}"#);
        assert_eq!(read(&properties), Ok(vec![(format!("Mcp-Param-{name}"), "a".to_owned(), Primitive::String)]));
    }
    for (name, expected) in [
        (r#""""#, Reason::Empty),
        (r#"" ""#, Reason::NotAName),
        (r#""My Region""#, Reason::NotAName),
        (r#"" Region""#, Reason::NotAName),
        (r#""Region:Primary""#, Reason::NotAName),
        (r#""Région""#, Reason::NotAName),
        (r#""R\u00e9gion""#, Reason::NotAName),
        (r#""Region\t1""#, Reason::NotAName),
        (r#""a\r\nX-Injected: b""#, Reason::NotAName),
        (r#""a\u0000""#, Reason::NotAName),
        (r#""a\u007f""#, Reason::NotAName),
        (r#""a/b""#, Reason::NotAName),
        (r#""a(b)""#, Reason::NotAName),
        (r#""a,b""#, Reason::NotAName),
        (r#""\"a\"""#, Reason::NotAName),
        ("7", Reason::NotText),
        ("true", Reason::NotText),
        ("null", Reason::NotText),
        (r#"["a"]"#, Reason::NotText),
        (r#"{"name":"a"}"#, Reason::NotText),
    ] {
        assert_eq!(read(&format!(r#"{{"a":{{"type":"string","x-mcp-header":{name}}}}}"#)), Err(expected), "{name}");
    }
    let long = "n".repeat(TOOL_HEADER_NAME_BYTES_MAX + 1);
    assert_eq!(read(&format!(r#"{{"a":{{"type":"string","x-mcp-header":"{long}"}}}}"#)), Err(Reason::NotAName));
}

#[test]
fn names_are_unique_whatever_their_letter_case() {
    for (one, other) in [("Region", "Region"), ("MyField", "myfield"), ("a", "A")] {
        let deep = format!(r#"{{"properties":{{"c":{{"type":"integer","x-mcp-header":"{other}"}}}}}}"#);
        let properties = format!(r#"{{"a":{{"type":"string","x-mcp-header":"{one}"}},"b":{deep}}}"#);
        assert_eq!(read(&properties), Err(Reason::Doubled), "{one} {other}");
    }
}

#[test]
fn only_primitive_types_are_repeated() {
    for kind in [
        r#""number""#,
        r#""object""#,
        r#""array""#,
        r#""null""#,
        r#""String""#,
        r#""""#,
        r#"["string"]"#,
        r#"["string","null"]"#,
        "null",
        "7",
        "{}",
    ] {
        let properties = format!(r#"{{"a":{{"type":{kind},"x-mcp-header":"A"}}}}"#);
        assert_eq!(read(&properties), Err(Reason::NotPrimitive), "{kind}");
    }
    assert_eq!(read(r#"{"a":{"x-mcp-header":"A"}}"#), Err(Reason::NotPrimitive));
    assert_eq!(read(r#"{"a":{"enum":["a"],"x-mcp-header":"A"}}"#), Err(Reason::NotPrimitive));
}

#[test]
fn an_annotation_anywhere_else_spoils_the_tool() {
    const SCHEMA: &str = r#"{"type":"string","x-mcp-header":"A"}"#;
    for keyword in [
        "items",
        "additionalItems",
        "unevaluatedItems",
        "contains",
        "additionalProperties",
        "unevaluatedProperties",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
        "contentSchema",
        "prefixItems",
        "anyOf",
        "oneOf",
        "allOf",
    ] {
        let nested = format!(r#"{{"properties":{{"b":{SCHEMA}}}}}"#);
        for below in [SCHEMA, &nested, &format!("[true,{SCHEMA}]"), &format!("[{{\"items\":[{nested}]}}]")] {
            let at_root = format!(r#"{{"type":"object","{keyword}":{below}}}"#);
            assert!(matches!(reason(&at_root), Some(Reason::Below(_))), "{at_root}");
            let in_property = format!(r#"{{"properties":{{"a":{{"{keyword}":{below}}}}}}}"#);
            assert!(matches!(reason(&in_property), Some(Reason::Below(_))), "{in_property}");
        }
        assert_eq!(reason(&format!(r#"{{"{keyword}":{SCHEMA}}}"#)), Some(Reason::Below(keyword)));
    }
    for keyword in ["$defs", "definitions", "patternProperties", "dependentSchemas", "dependencies"] {
        let schema =
            format!(r##"{{"properties":{{"a":{{"$ref":"#/{keyword}/k"}}}},"{keyword}":{{"j":["a"],"k":{SCHEMA}}}}}"##);
        assert_eq!(reason(&schema), Some(Reason::Below(keyword)), "{schema}");
        let nested = format!(r#"{{"{keyword}":{{"k":{{"properties":{{"a":{SCHEMA}}}}}}}}}"#);
        assert_eq!(reason(&nested), Some(Reason::Below(keyword)), "{nested}");
    }
    assert_eq!(reason(SCHEMA), Some(Reason::AtRoot));
    assert_eq!(reason(r#"{"x-mcp-header":7}"#), Some(Reason::AtRoot));
}

#[test]
fn what_is_no_schema_has_no_annotations() {
    const NAMED: &str = r#"{"x-mcp-header":{"type":"string"},"items":{"type":"string"}}"#;
    for properties in [
        r#"{"a":{"default":{"x-mcp-header":"A"}}}"#,
        r#"{"a":{"const":{"x-mcp-header":"A"}}}"#,
        r#"{"a":{"enum":[{"x-mcp-header":"A"}]}}"#,
        r#"{"a":{"examples":[{"x-mcp-header":"A"}]}}"#,
        r#"{"a":{"description":"x-mcp-header"}}"#,
        r#"{"a":{"$ref":"x-mcp-header","required":["x-mcp-header"]}}"#,
        r#"{"a":["x-mcp-header"],"b":"x-mcp-header"}"#,
        NAMED,
        &format!(r#"{{"properties":{{"properties":{NAMED}}}}}"#),
    ] {
        assert_eq!(read(properties), Ok(Vec::new()), "{properties}");
    }
    let annotated = r#"{"x-mcp-header":{"type":"string","x-mcp-header":"x-mcp-header"}}"#;
    let expected = ("Mcp-Param-x-mcp-header".to_owned(), "x-mcp-header".to_owned(), Primitive::String);
    assert_eq!(read(annotated), Ok(vec![expected]));
    for schema in
        ["true", "[]", "\"x-mcp-header\"", r#"{"properties":["x-mcp-header"]}"#, r#"{"properties":"x-mcp-header"}"#]
    {
        assert_eq!(reason(schema), None, "{schema}");
    }
}

#[test]
fn a_tool_is_read_only_where_it_may_have_annotations() {
    for tool in ["", "{", r#"{"inputSchema":7}"#, r#"{"inputSchema":{"properties":"#] {
        assert!(ToolHeaders::of_tool(tool).unwrap().is_empty(), "{tool}");
    }
    for tool in [r#"{"name":"x-mcp-header"}"#, r#"{"x-mcp-header":1,"inputSchema":null}"#, r#"{"name":"\u0061"}"#] {
        assert!(ToolHeaders::of_tool(tool).unwrap().is_empty(), "{tool}");
    }
    for tool in [
        "x-mcp-header",
        r#"["x-mcp-header"]"#,
        r#"{"inputSchema":{"x-mcp-header":"A"}"#,
        r#"{"inputSchema":{"x-mcp-header":"A"},"inputSchema":{}}"#,
        r#"{"inputSchema":{"properties":{"a":{"x-mcp-header":"A","type":"string","default":"\ud800"}}}}"#,
    ] {
        assert_eq!(ToolHeaders::of_tool(tool).map_err(|invalid| invalid.reason), Err(Reason::Unreadable), "{tool}");
    }
}

#[test]
fn sizes_are_bounded() {
    let properties = |count: usize| {
        let one = |index| format!(r#""p{index}":{{"type":"string","x-mcp-header":"H{index}"}}"#);
        format!("{{{}}}", (0..count).map(one).collect::<Vec<_>>().join(","))
    };
    assert_eq!(read(&properties(TOOL_HEADERS_MAX)).unwrap().len(), TOOL_HEADERS_MAX);
    assert_eq!(read(&properties(TOOL_HEADERS_MAX + 1)), Err(Reason::TooMany));

    let nested =
        |depth: usize, inner: &str| format!("{}{inner}{}", r#"{"properties":{"a":"#.repeat(depth), "}}".repeat(depth));
    let inner = r#"{"type":"string","x-mcp-header":"A"}"#;
    let deep = ToolHeaders::of_schema(&nested(TOOL_SCHEMA_DEPTH_MAX, inner)).unwrap();
    assert_eq!(deep.iter().next().unwrap().path.len(), TOOL_SCHEMA_DEPTH_MAX);
    assert_eq!(reason(&nested(TOOL_SCHEMA_DEPTH_MAX + 1, inner)), Some(Reason::TooDeep));
    assert_eq!(reason(&nested(10_000, inner)), Some(Reason::Unreadable), "the parser gives up first");

    let padded = |size: usize| format!(r#"{{"properties":{{}},"x":"x-mcp-header{}"}}"#, "y".repeat(size));
    assert_eq!(reason(&padded(TOOL_SCHEMA_BYTES_MAX - 100)), None);
    assert_eq!(reason(&padded(TOOL_SCHEMA_BYTES_MAX)), Some(Reason::TooLarge));
}

#[test]
fn whoever_reads_the_log_learns_which_parameter_it_is() {
    for (schema, words) in [
        (r#"{"properties":{"a":{"properties":{"b":{"x-mcp-header":""}}}}}"#, "\"a.b\" is empty"),
        (r#"{"properties":{"a":{"x-mcp-header":"é"}}}"#, "of \"a\" cannot be part"),
        (r#"{"properties":{"a":{"x-mcp-header":7}}}"#, "of \"a\" is not a string"),
        (r#"{"properties":{"a":{"x-mcp-header":"A"}}}"#, "\"a\" has an x-mcp-header, and its type"),
        (r#"{"properties":{"a":{"items":{"x-mcp-header":"A"}}}}"#, "\"a.items\" has an x-mcp-header below \"items\""),
        (r#"{"x-mcp-header":"A"}"#, "the root"),
        (r#"{"x-mcp-header""#, "cannot be read"),
    ] {
        let invalid = ToolHeaders::of_schema(schema).unwrap_err().to_string();
        assert!(invalid.contains(words), "{invalid}");
    }
    for reason in [Reason::Doubled, Reason::TooMany, Reason::TooDeep, Reason::TooLarge] {
        let invalid = InvalidTool { place: "a\n".repeat(500), reason }.to_string();
        assert!(!invalid.contains('\n') && invalid.len() < 400, "{invalid}");
    }
}
