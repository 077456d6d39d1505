//! Which parameters of a tool are repeated in headers: the `x-mcp-header` annotations in its `inputSchema` (MCP
//! 2026-07-28, Streamable HTTP, Custom Headers from Tool Parameters).
//!
//! An annotation belongs to a property that is reached from the root through `properties` alone. One anywhere else in
//! the schema, or an invalid one, spoils the whole definition of the tool. What stands in a schema as data (`default`,
//! `enum`, …) is no part of it, and a property may itself be called `x-mcp-header`.

use std::fmt;

use serde_json::{Map, Value};

use crate::base::text::shorten;
use crate::codec::http::client::check_header;
use crate::codec::jsonrpc::members::pick;
use crate::limits::{TOOL_HEADER_NAME_BYTES_MAX, TOOL_HEADERS_MAX, TOOL_SCHEMA_BYTES_MAX, TOOL_SCHEMA_DEPTH_MAX};

const ANNOTATION: &str = "x-mcp-header";

/// What stands before the annotated name in a header's.
const PREFIX: &str = "Mcp-Param-";

/// The parameters of one tool that are repeated in headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolHeaders(Vec<ToolHeader>);

/// One such parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolHeader {
    /// The header's name: `Mcp-Param-` and what the annotation says.
    pub header: String,
    /// The keys of `properties`, from the root to the annotated one: where the value stands in a call's arguments.
    pub path: Vec<String>,
    /// Its type.
    pub kind: Primitive,
}

/// The type of a parameter that may be repeated in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Primitive {
    /// `string`.
    String,
    /// `integer`.
    Integer,
    /// `boolean`.
    Boolean,
}

/// Why a tool's definition is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTool {
    /// Where, as the keys on the way there, with dots between them.
    pub place: String,
    /// What is wrong there.
    pub reason: Reason,
}

/// What is wrong with an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is not a string.
    NotText,
    /// It is empty.
    Empty,
    /// It has characters that a header's name cannot have (RFC 9110, 5.1), or is too long for one.
    NotAName,
    /// The same name belongs to another parameter; letter case does not count.
    Doubled,
    /// The parameter's type is none of `string`, `integer` and `boolean`.
    NotPrimitive,
    /// It stands at the root, which is no parameter.
    AtRoot,
    /// It stands below this keyword, so it depends on the arguments which parameter it belongs to, if any.
    Below(&'static str),
    /// There are more than [`TOOL_HEADERS_MAX`].
    TooMany,
    /// The schema is nested deeper than [`TOOL_SCHEMA_DEPTH_MAX`].
    TooDeep,
    /// The schema has more than [`TOOL_SCHEMA_BYTES_MAX`] bytes.
    TooLarge,
    /// It cannot be read.
    Unreadable,
}

impl fmt::Display for InvalidTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = shorten(&self.place);
        match self.reason {
            Reason::NotText => write!(f, "the {ANNOTATION} of {place:?} is not a string"),
            Reason::Empty => write!(f, "the {ANNOTATION} of {place:?} is empty"),
            Reason::NotAName => write!(f, "the {ANNOTATION} of {place:?} cannot be part of a header's name"),
            Reason::Doubled => write!(f, "the {ANNOTATION} of {place:?} belongs to another parameter too"),
            Reason::NotPrimitive => {
                write!(f, "{place:?} has an {ANNOTATION}, and its type is not \"string\", \"integer\" or \"boolean\"")
            }
            Reason::AtRoot => write!(f, "the root of the inputSchema has an {ANNOTATION}"),
            Reason::Below(keyword) => write!(f, "{place:?} has an {ANNOTATION} below {keyword:?}"),
            Reason::TooMany => write!(f, "more than {TOOL_HEADERS_MAX} parameters have an {ANNOTATION}"),
            Reason::TooDeep => write!(f, "the inputSchema is nested deeper than {TOOL_SCHEMA_DEPTH_MAX} levels"),
            Reason::TooLarge => write!(f, "the inputSchema has more than {TOOL_SCHEMA_BYTES_MAX} bytes"),
            Reason::Unreadable => f.write_str("the inputSchema cannot be read"),
        }
    }
}

impl std::error::Error for InvalidTool {}

/// Keywords whose value is a schema, or a list of some, that is no property (JSON Schema 2020-12, core, and older).
const SCHEMAS: [&str; 16] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords whose value has such a schema in each member.
const SCHEMA_MAPS: [&str; 6] =
    ["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"];

impl ToolHeaders {
    /// Those of a tool, from its definition in `tools/list`, which is JSON text.
    pub fn of_tool(tool: &str) -> Result<ToolHeaders, InvalidTool> {
        if !can_be_annotated(tool) {
            return Ok(ToolHeaders::default());
        }
        let [schema] = pick(tool, ["inputSchema"]).map_err(|_| at(&[], Reason::Unreadable))?;
        schema.map_or_else(|| Ok(ToolHeaders::default()), ToolHeaders::of_schema)
    }

    /// Those of a tool's `inputSchema`, which is JSON text.
    pub fn of_schema(schema: &str) -> Result<ToolHeaders, InvalidTool> {
        if !can_be_annotated(schema) {
            return Ok(ToolHeaders::default());
        }
        if schema.len() > TOOL_SCHEMA_BYTES_MAX {
            return Err(at(&[], Reason::TooLarge));
        }
        let schema: Value = serde_json::from_str(schema).map_err(|_| at(&[], Reason::Unreadable))?;
        let mut walk = Walk { path: Vec::new(), headers: Vec::new() };
        walk.visit(&schema, Reach::Properties, 0)?;
        Ok(ToolHeaders(walk.headers))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &ToolHeader> {
        self.0.iter()
    }
}

/// Whether the annotation may stand in a text: spelt out, or with escapes.
fn can_be_annotated(text: &str) -> bool {
    text.contains(ANNOTATION) || text.contains("\\u")
}

fn at(path: &[&str], reason: Reason) -> InvalidTool {
    InvalidTool { place: path.join("."), reason }
}

/// How a schema is reached from the root.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// Through `properties` alone.
    Properties,
    /// Through this keyword, too.
    Keyword(&'static str),
}

/// A walk over all the schemas in a schema.
struct Walk<'a> {
    /// The keys from the root to the schema that is being visited.
    path: Vec<&'a str>,
    headers: Vec<ToolHeader>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, schema: &'a Value, reach: Reach, depth: usize) -> Result<(), InvalidTool> {
        let Value::Object(schema) = schema else { return Ok(()) };
        if depth > TOOL_SCHEMA_DEPTH_MAX {
            return Err(at(&self.path, Reason::TooDeep));
        }
        if let Some(annotation) = schema.get(ANNOTATION) {
            let header = self.header(schema, annotation, reach).map_err(|reason| at(&self.path, reason))?;
            self.headers.push(header);
        }
        for keyword in SCHEMA_MAPS {
            let Some(Value::Object(schemas)) = schema.get(keyword) else { continue };
            let reach = if keyword == "properties" { reach } else { Reach::Keyword(keyword) };
            for (key, schema) in schemas {
                self.path.push(key);
                self.visit(schema, reach, depth + 1)?;
                self.path.pop();
            }
        }
        for keyword in SCHEMAS {
            let schemas = match schema.get(keyword) {
                None => continue,
                Some(Value::Array(schemas)) => schemas.as_slice(),
                Some(schema) => std::slice::from_ref(schema),
            };
            self.path.push(keyword);
            schemas.iter().try_for_each(|schema| self.visit(schema, Reach::Keyword(keyword), depth + 1))?;
            self.path.pop();
        }
        Ok(())
    }

    fn header(&self, schema: &Map<String, Value>, name: &Value, reach: Reach) -> Result<ToolHeader, Reason> {
        match reach {
            Reach::Keyword(keyword) => return Err(Reason::Below(keyword)),
            Reach::Properties if self.path.is_empty() => return Err(Reason::AtRoot),
            Reach::Properties => {}
        }
        let name = name.as_str().ok_or(Reason::NotText)?;
        if name.is_empty() {
            return Err(Reason::Empty);
        }
        let header = format!("{PREFIX}{name}");
        if name.len() > TOOL_HEADER_NAME_BYTES_MAX || check_header(&header, "").is_err() {
            return Err(Reason::NotAName);
        }
        if self.headers.iter().any(|other| other.header.eq_ignore_ascii_case(&header)) {
            return Err(Reason::Doubled);
        }
        if self.headers.len() == TOOL_HEADERS_MAX {
            return Err(Reason::TooMany);
        }
        let kind = match schema.get("type").and_then(Value::as_str) {
            Some("string") => Primitive::String,
            Some("integer") => Primitive::Integer,
            Some("boolean") => Primitive::Boolean,
            Some(_) | None => return Err(Reason::NotPrimitive),
        };
        Ok(ToolHeader { header, path: self.path.iter().map(|key| (*key).to_owned()).collect(), kind })
    }
}
