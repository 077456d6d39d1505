//! The command line, and what is said once the proxy listens.

use std::ffi::OsString;
use std::net::SocketAddr;

use mcp_proxy::cli::flags::{self, UsageError};
use mcp_proxy::cli::invocation::{Eject, Folder, Invocation, Job, Serve, parse};
use mcp_proxy::cli::origin::ConfigOrigin;
use mcp_proxy::cli::{demo, file, help, welcome};
use mcp_proxy::clients::entrances::Secrets;
use mcp_proxy::clients::{CLIENTS, Client};
use mcp_proxy::config::addr::Addr;
use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, Config, load};
use mcp_proxy::io::log::Format;
use mcp_proxy::io::{keeper, trampoline};
use mcp_proxy::limits;
use mcp_proxy::proxy::Level;

fn parsed(line: &str) -> Result<Invocation, UsageError> {
    parse(line.split_whitespace().map(OsString::from).collect())
}

#[track_caller]
fn serve(line: &str) -> Serve {
    match parsed(line) {
        Ok(Invocation::Serve(serve)) => serve,
        other => panic!("{line}: {other:?}"),
    }
}

fn file(path: &str) -> ConfigOrigin {
    ConfigOrigin::File(path.to_owned())
}

fn run(path: &str) -> Job {
    Job::Run(file(path))
}

#[test]
fn flags_in_the_syntax_of_go() {
    let plain = Serve {
        job: run("config.json"),
        log_level: Level::Info,
        log_format: Format::Text,
        is_insecure: false,
        addr: None,
        expands_env: true,
        secrets: Secrets::Hidden,
    };
    assert_eq!(serve(""), plain);
    assert_eq!(serve("--"), plain);
    for line in ["-config x", "--config x", "-config=x", "--config=x", "-config y -config x"] {
        assert_eq!(serve(line).job, run("x"), "{line}");
    }
    assert_eq!(serve("-config a=b").job, run("a=b"));
    assert_eq!(serve("-config=a=b").job, run("a=b"));
    assert_eq!(serve("-config -demo").job, run("-demo"), "a value may look like a flag");
    assert_eq!(serve("-config -").job, Job::Run(ConfigOrigin::Stdin));
    for line in ["-demo", "--demo", "-demo=true", "-demo=1", "-demo=false -demo=T"] {
        assert_eq!(serve(line).job, Job::Demo, "{line}");
    }
    assert_eq!(serve("-demo=false").job, run("config.json"));
    assert_eq!(serve("-check-config").job, Job::Check(file("config.json")));
    for (line, expands_env) in
        [("-expand-env", true), ("-expand-env=false", false), ("--expand-env=0 -expand-env", true)]
    {
        assert_eq!(serve(line).expands_env, expands_env, "{line}");
    }
    for line in ["-check-config -show-secrets", "-show-secrets -print-client-config zed"] {
        assert_eq!(serve(line).secrets, Secrets::Shown, "{line}");
    }
    assert_eq!(serve("-print-client-config Zed").job, Job::Describe(file("config.json"), Client::Zed));
    for (line, format) in [("-log-format json", Format::Json), ("--log-format=TEXT", Format::Text)] {
        assert_eq!(serve(line).log_format, format, "{line}");
    }
    for (line, is_insecure) in [("-insecure", true), ("--insecure=true", true), ("-insecure=false", false)] {
        assert_eq!(serve(line).is_insecure, is_insecure, "{line}");
    }
    for (name, level) in
        [("debug", Level::Debug), ("INFO", Level::Info), ("warn", Level::Warn), ("error", Level::Error)]
    {
        assert_eq!(serve(&format!("-log-level {name}")).log_level, level);
    }
    let addr = Some(Addr { host: Some("::1".to_owned()), port: 0 });
    assert_eq!(serve("-demo -addr [::1]:0").addr, addr);
}

#[test]
fn questions_are_answered_whatever_else_is_asked() {
    for line in ["-h", "--h", "-help", "--help", "-help -version -config x -demo"] {
        assert_eq!(parsed(line), Ok(Invocation::Help), "{line}");
    }
    assert_eq!(parsed("-version -log-level=loud"), Ok(Invocation::Version));
}

#[test]
fn the_executable_calls_itself_by_first_arguments_that_no_user_types() {
    assert_eq!(parsed("__demo"), Ok(Invocation::DemoServer));
    let rest = ["1", "--", "npx", "-help"].map(OsString::from).to_vec();
    assert_eq!(parsed(&format!("{} 1 -- npx -help", keeper::VERB)), Ok(Invocation::Keeper(rest.clone())));
    assert_eq!(parsed(&format!("{} 1 -- npx -help", trampoline::VERB)), Ok(Invocation::Trampoline(rest)));
}

#[test]
fn pages_and_hashes() {
    let eject = |folder, is_forced| Ok(Invocation::Eject(Eject { folder, is_forced }));
    let configured = |path: Option<&str>, expands_env| {
        let origin = ConfigOrigin::File(path.unwrap_or("config.json").to_owned());
        Folder::Configured { origin, is_named: path.is_some(), expands_env }
    };
    assert_eq!(parsed("-eject-templates"), eject(configured(None, true), false));
    let line = "-eject-templates -force -config x -expand-env=false";
    assert_eq!(parsed(line), eject(configured(Some("x"), false), true));
    for line in ["-eject-templates-to a/b", "-eject-templates -eject-templates-to=a/b -config x"] {
        assert_eq!(parsed(line), eject(Folder::Given("a/b".to_owned()), false), "{line}");
    }
    assert_eq!(parsed("-hash-password"), Ok(Invocation::HashPassword));
    assert_eq!(serve("-eject-templates=false -hash-password=false").job, run("config.json"));
}

#[test]
fn mistakes_are_answered_with_advice() {
    for (line, advice) in [
        ("-cofnig x", "there is no flag \"-cofnig\"; did you mean -config?"),
        ("--Demo", "there is no flag \"--Demo\"; did you mean -demo?"),
        ("-loglevel=debug", "there is no flag \"-loglevel\"; did you mean -log-level?"),
        ("-x", "there is no flag \"-x\"; see mcp-proxy -help"),
        ("-", "there is no flag \"-\"; see mcp-proxy -help"),
        ("---demo", "there is no flag \"---demo\"; did you mean -demo?"),
        ("config.json", "do not know what to do with \"config.json\"; to read it, write -config FILE"),
        ("-demo -- x", "do not know what to do with \"x\"; to read it, write -config FILE"),
        ("-config", "-config needs a value; see mcp-proxy -help"),
        ("-config=", "-config cannot be \"\": write the path of a file, or a URL"),
        ("-demo=maybe", "-demo cannot be \"maybe\": write true or false"),
        ("-demo -config x", "-demo and -config exclude each other; choose one"),
        ("-demo -check-config", "-demo and -check-config exclude each other; choose one"),
        ("-show-secrets", "-show-secrets belongs to -check-config or -print-client-config; add that, or leave it out"),
        ("-log-format jsno", "-log-format cannot be \"jsno\": did you mean json?"),
        ("-print-client-config cursr", "-print-client-config cannot be \"cursr\": did you mean cursor?"),
        (
            "-print-client-config emacs",
            "-print-client-config cannot be \"emacs\": write one of claude-code, claude-desktop, cursor, vscode, \
             windsurf, cline, continue, zed, gemini, codex, goose, librechat",
        ),
        ("-demo -print-client-config zed", "-demo and -print-client-config exclude each other; choose one"),
        (
            "-check-config -print-client-config zed",
            "-check-config and -print-client-config exclude each other; choose one",
        ),
        ("-demo -hash-password", "-demo and -hash-password exclude each other; choose one"),
        ("-check-config -eject-templates", "-check-config and -eject-templates exclude each other; choose one"),
        (
            "-eject-templates-to x -hash-password",
            "-eject-templates-to and -hash-password exclude each other; choose one",
        ),
        ("-eject-templates-to=", "-eject-templates-to cannot be \"\": write the path of a folder"),
        ("-force", "-force belongs to -eject-templates; add that, or leave it out"),
        ("-eject-template", "there is no flag \"-eject-template\"; did you mean -eject-templates?"),
        ("-log-level inof", "-log-level cannot be \"inof\": did you mean info?"),
        ("-log-level loud", "-log-level cannot be \"loud\": write one of debug, info, warn, error"),
        ("-authorize a", "-authorize is not supported in this version"),
        ("-expand-env=yes", "-expand-env cannot be \"yes\": write true or false"),
        (
            "-addr 9090",
            "-addr cannot be \"9090\": it names no port. \
             Write \":9090\" (every address of this machine), \"127.0.0.1:9090\" or \"[::1]:9090\".",
        ),
    ] {
        assert_eq!(parsed(line).map_err(|error| error.to_string()), Err(advice.to_owned()), "{line}");
    }
}

#[test]
fn an_order_that_no_proxy_would_read_is_not_given() {
    let advice = "-oauth-revoke cannot be \"\": write an id that -oauth-list prints, or the name of a user";
    assert_eq!(parsed("-oauth-revoke=").map_err(|error| error.to_string()), Err(advice.to_owned()));
    let name = "a".repeat(limits::ORDER_BYTES_MAX);
    assert!(parsed(&format!("-oauth-revoke {name}")).is_ok());
    let refused = parsed(&format!("-oauth-revoke {name}a")).unwrap_err().to_string();
    assert!(refused.ends_with(": an id or a name has at most 1024 bytes"), "{refused}");
}

#[test]
fn help_fits_on_one_screen() {
    assert!(help::TEXT.lines().count() < 24);
    assert!(help::TEXT.lines().all(|line| line.chars().count() <= 80));
    for (client, _) in CLIENTS {
        assert!(help::TEXT.contains(client), "{client}");
    }
    for flag in flags::FLAGS {
        assert!(help::TEXT.contains(&format!("-{flag}")), "{flag}");
    }
}

#[test]
fn files_that_cannot_be_read() {
    let said = |path: &str| file::read(path).expect_err("nothing to read").to_string();
    let missing = said("no-such-file.json");
    assert!(missing.contains("no-such-file.json") && missing.contains("-demo"), "{missing}");
    assert!(said(env!("CARGO_MANIFEST_DIR")).contains("is a directory"));
    let own = file::read(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).expect("a file");
    assert!(own.starts_with("[package]"));
}

#[test]
fn the_demo_listens_on_this_machine_only() {
    let config = demo::config("/bin/mcp-proxy".to_owned(), None);
    assert_eq!(config.addr.to_string(), "127.0.0.1:9090");
    assert_eq!(config.base_url.to_string(), "http://127.0.0.1:9090");
    assert_eq!(config.servers[0].target.command().expect("a command").program, "/bin/mcp-proxy");
    let arguments: Vec<OsString> =
        config.servers[0].target.command().expect("a command").args.iter().map(OsString::from).collect();
    assert_eq!(parse(arguments), Ok(Invocation::DemoServer));
    let addr = Addr::parse("[::1]:0").expect("an address");
    assert_eq!(demo::config(String::new(), Some(addr)).base_url.to_string(), "http://[::1]:0");
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[track_caller]
fn configured(text: &str) -> Config {
    load(&Source::new("config.json", text), &Around::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

const HEADERS: &str = "-H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream'";
const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{},"clientInfo":{"name":"curl","version":"1"}}}"#
);

#[test]
fn the_demo_says_how_to_use_it() {
    let config = demo::config(String::new(), Some(Addr::parse("127.0.0.1:0").expect("an address")));
    let expected = format!(
        r#"mcp-proxy {} listens on 127.0.0.1:4711

  demo  http://127.0.0.1:4711/demo/mcp
        http://127.0.0.1:4711/demo/sse

Status: http://127.0.0.1:4711/

Try it:

  curl -s http://127.0.0.1:4711/demo/mcp {HEADERS} -d '{INITIALIZE}'

Add it to Claude Code:

  claude mcp add --transport http demo http://127.0.0.1:4711/demo/mcp

Stop it with Ctrl-C.
"#,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(welcome::demo(&config, local(4711)), expected);
}

#[test]
fn servers_are_listed_with_their_public_urls_and_without_tokens() {
    let config = configured(
        r#"{ "mcpProxy": { "baseURL": "https://mcp.example.com/tools", "type": "streamable-http" },
        "mcpServers": {
            "github": { "command": "x", "options": { "authTokens": ["s3cret"] } },
            "a.b": { "command": "x" },
            "amap": { "url": "https://mcp.amap.com/s3cret/sse?key=s3cret", "headers": { "X": "s3cret" } },
            "local": { "url": "http://localhost:8000/mcp", "options": { "authTokens": ["s3cret"] } }
        } }"#,
    );
    const HEADER: &str = r#"--header "Authorization: Bearer <token>""#;
    let expected = format!(
        r#"mcp-proxy {} listens on 127.0.0.1:9090

  github  https://mcp.example.com/tools/github/mcp  (token)
  a.b     https://mcp.example.com/tools/a.b/mcp
  amap    https://mcp.example.com/tools/amap/mcp  -> https://mcp.amap.com
  local   https://mcp.example.com/tools/local/mcp  (token)  -> http://localhost:8000

Add to Claude Code:

  claude mcp add --transport http github https://mcp.example.com/tools/github/mcp {HEADER}
  claude mcp add --transport http a_b https://mcp.example.com/tools/a.b/mcp
  claude mcp add --transport http amap https://mcp.example.com/tools/amap/mcp
  claude mcp add --transport http local https://mcp.example.com/tools/local/mcp {HEADER}
"#,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(welcome::welcome(&config, local(9090)), expected);
    assert!(welcome::demo(&config, local(9090)).contains("-H 'Authorization: Bearer <token>'"));
}

#[test]
fn a_check_says_what_would_be_served() {
    let config = configured(
        r#"{ "mcpProxy": { "addr": ":8080", "type": "sse" }, "mcpServers": {
            "a": { "command": "x", "options": { "authTokens": ["s3cret"] } },
            "b": { "url": "https://b.example/s3cret/sse" },
            "c": { "command": "x", "options": { "disabled": true } }
        } }"#,
    );
    let expected = "Config OK: 2 MCP server(s) configured\n\n  a  http://localhost:8080/a/sse  (token)\n  \
                    b  http://localhost:8080/b/sse  -> https://b.example\n";
    assert_eq!(welcome::check(&config), expected);
}

#[test]
fn the_status_page_is_named_where_there_is_one() {
    let with = |members: &str| {
        configured(&format!(r#"{{ "mcpProxy": {{ {members} }}, "mcpServers": {{ "a": {{ "command": "x" }} }} }}"#))
    };
    let lan = SocketAddr::from(([192, 168, 0, 1], 9090));
    let is_named = |config: &Config, local| welcome::welcome(config, local).contains("Status: ");
    assert!(welcome::welcome(&with(""), local(9090)).contains("\n\nStatus: http://localhost:9090/\n\n"));
    assert!(!is_named(&with(""), lan) && !is_named(&with(r#""statusPage": false"#), local(9090)));
    let public = with(r#""statusPage": true, "baseURL": "https://mcp.example.com/tools/""#);
    assert!(welcome::welcome(&public, lan).contains("Status: https://mcp.example.com/tools/\n"));
}

#[test]
fn a_path_that_is_a_token_is_not_printed() {
    let config = configured(r#"{ "mcpServers": { "fetch/0123456789abcdef": { "command": "x" } } }"#);
    let text = welcome::welcome(&config, local(9090));
    assert!(text.contains("  fetch/…  http://localhost:9090/fetch/…/mcp\n"), "{text}");
    assert!(text.contains("  claude mcp add --transport http fetch 'http://localhost:9090/fetch/…/mcp'\n"), "{text}");
    assert!(!text.contains("0123456789abcdef"), "{text}");
}

#[test]
fn what_is_said_follows_the_type() {
    let with = |kind: &str| {
        let servers = r#"{ "a": { "command": "x" }, "bc": { "command": "x" } }"#;
        let text = format!(r#"{{ "mcpProxy": {{ "type": "{kind}" }}, "mcpServers": {servers} }}"#);
        welcome::welcome(&configured(&text), local(9090))
    };
    let (sse, both) = (with("sse"), with("both"));
    assert!(sse.contains("  claude mcp add --transport sse bc http://localhost:9090/bc/sse\n"), "{sse}");
    assert!(!sse.contains("/mcp"), "{sse}");
    let routes =
        "  a   http://localhost:9090/a/mcp\n      http://localhost:9090/a/sse\n  bc  http://localhost:9090/bc/mcp\n";
    assert!(both.contains(routes), "{both}");
    assert!(both.contains("  claude mcp add --transport http bc http://localhost:9090/bc/mcp\n"), "{both}");
}

#[test]
fn what_is_to_be_pasted_is_quoted() {
    let config =
        configured(r#"{ "mcpProxy": { "addr": "[::1]:0" }, "mcpServers": { "-it's$(x)": { "command": "x" } } }"#);
    let text = welcome::demo(&config, local(1));
    assert!(text.contains(r"curl -s 'http://[::1]:1/-it'\''s$(x)/mcp' -H"), "{text}");
    assert!(text.contains(r"claude mcp add --transport http _-it_s__x_ 'http://[::1]:1/-it'\''s$(x)/mcp'"), "{text}");
}
