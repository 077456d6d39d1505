//! What `-help` prints: one screen of 80 by 24.

/// With a line end.
pub const TEXT: &str = "\
mcp-proxy: many MCP servers behind one HTTP server, each at /NAME/mcp

  mcp-proxy -demo                 try it: a built-in server, no configuration
  mcp-proxy -config config.json   serve what the file says

  -config FILE        the configuration, or its URL; - reads stdin (config.json)
  -http-headers 'K:V;K2:V2', -http-timeout 30s   for the request to that URL
  -expand-env=false   leave $NAME and ${NAME} in the configuration as they are
  -addr ADDR          listen there instead: :9090, 127.0.0.1:9090, [::1]:9090
  -insecure           do not check the certificates of remote servers
  -log-level LEVEL    debug, info, warn, error; -log-format FORMAT  text, json
  -check-config       say what is wrong with the configuration, then exit
  -print-client-config CLIENT   what to paste into claude-code, claude-desktop,
                      cursor, vscode, windsurf, cline, continue, zed, gemini,
                      codex, goose or librechat; -show-secrets with tokens
  -eject-templates, -eject-templates-to DIR   write the login's pages; -force
  -hash-password      print what to write in the place of a user's password
  -oauth-list, -oauth-revoke ID|USER   who is logged in; log somebody out
  -version, -help     print that, then exit

The smallest configuration:
  {\"mcpServers\": {\"time\": {\"command\": \"uvx\", \"args\": [\"mcp-server-time\"]}}}
Exit status: 0 as asked, 1 failed while running, 2 wrong flags or configuration
";
