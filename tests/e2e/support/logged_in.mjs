// Official clients that log in, each brought to one shape: `list` connects anew and gives the names of the tools;
// `tokens` is what it holds and `spoil` ruins its access token; `logins` counts how often somebody had to log in.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connectDirect, pages } from "./client.mjs";
import { logIn } from "./login.mjs";
import { program } from "./servers.mjs";

const SPOILT = "x".repeat(43);
const REDIRECT = "http://localhost:33418/callback";

/** The names of all tools. The SDK's 2.x goes through the pages itself. */
export async function toolNames(client) {
  const found = await pages((params) => client.listTools(params));
  return found.flatMap(({ tools }) => tools.map(({ name }) => name)).sort();
}

/** Keeps in memory what an SDK asks it to keep, and plays the browser. */
class Provider {
  redirectUrl = REDIRECT;
  clientMetadata = {
    client_name: "e2e",
    redirect_uris: [REDIRECT],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  kept = {};
  logins = 0;

  state = () => "the state";
  clientInformation = () => this.kept.client;
  saveClientInformation = (client) => void (this.kept.client = client);
  tokens = () => this.kept.tokens;
  saveTokens = (tokens) => void (this.kept.tokens = tokens);
  codeVerifier = () => this.kept.verifier;
  saveCodeVerifier = (verifier) => void (this.kept.verifier = verifier);
  discoveryState = () => this.kept.discovery;
  saveDiscoveryState = (discovery) => void (this.kept.discovery = discovery);
  invalidateCredentials = (scope) => void (scope === "all" ? (this.kept = {}) : delete this.kept[scope]);

  async redirectToAuthorization(url) {
    this.logins += 1;
    this.redirected = await logIn(url);
  }
}

/** A TypeScript SDK. `callback` picks what its `finishAuth` wants from the parameters that came back. */
export function sdk({ Client, StreamableHTTPClientTransport, UnauthorizedError }, callback) {
  const provider = new Provider();
  const connect = async (url) => {
    const client = new Client({ name: "e2e", version: "1.0.0" });
    const transport = new StreamableHTTPClientTransport(url, { authProvider: provider });
    try {
      await client.connect(transport);
      return client;
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      await transport.finishAuth(callback(provider.redirected.searchParams));
      return undefined;
    }
  };
  return {
    async list(url) {
      const client = (await connect(url)) ?? (await connect(url));
      try {
        return await toolNames(client);
      } finally {
        await client.close();
      }
    },
    tokens: () => provider.tokens(),
    client: () => provider.clientInformation(),
    spoil: () => provider.saveTokens({ ...provider.tokens(), access_token: SPOILT }),
    logins: () => provider.logins,
    end: () => {},
  };
}

/** mcp-remote, which keeps all in a folder and opens a browser. */
export function mcpRemote() {
  const home = mkdtempSync(join(tmpdir(), "mcp-proxy-remote-"));
  const logins = join(home, "logins");
  const browser = fileURLToPath(new URL("login.mjs", import.meta.url));
  const env = { PATH: process.env.PATH, HOME: home, MCP_REMOTE_CONFIG_DIR: home, BROWSER: browser, LOGINS: logins };
  const file = (ending) => {
    const found = readdirSync(home, { recursive: true }).find((name) => name.endsWith(ending));
    return join(home, found ?? ending);
  };
  const read = (ending) => JSON.parse(readFileSync(file(ending), "utf8"));
  return {
    async list(url) {
      const args = [program("mcp-remote"), url.href, "--transport", "http-only"];
      const client = await connectDirect({ command: process.execPath, args, env });
      try {
        return await toolNames(client);
      } finally {
        await client.close();
      }
    },
    tokens: () => read("_tokens.json"),
    client: () => read("_client_info.json"),
    spoil: () => writeFileSync(file("_tokens.json"), JSON.stringify({ ...read("_tokens.json"), access_token: SPOILT })),
    logins: () => (existsSync(logins) ? readFileSync(logins, "utf8").match(/^200$/gm).length : 0),
    end: () => rmSync(home, { recursive: true, force: true }),
  };
}
