// An application that asks people to log in: it registers, sends them to the login page, and waits for their return.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const WELCOME = '<!doctype html><link rel="icon" href="data:,"><title>Connected</title><h1>Connected</h1>';

/**
 * A web server that people come back to. `base` is where the proxy is to be reached; `redirect` replaces the address of
 * this server, for applications that are none.
 */
export async function startApplication(base, { name = "Notebook", redirect } = {}) {
  const visits = [];
  const server = createServer((request, response) => {
    visits.push(new URL(request.url, origin));
    response.writeHead(200, { "content-type": "text/html" }).end(WELCOME);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;
  const redirectUri = redirect ?? `${origin}/callback`;
  const post = async (path, type, body) => {
    const answer = await fetch(`${base}/oauth/${path}`, { method: "POST", headers: { "content-type": type }, body });
    return { status: answer.status, ...(await answer.json()) };
  };
  const metadata = { client_name: name, redirect_uris: [redirectUri], token_endpoint_auth_method: "none" };
  const { client_id } = await post("register", "application/json", JSON.stringify(metadata));
  const verifier = randomBytes(32).toString("base64url");
  const code_challenge = createHash("sha256").update(verifier).digest("base64url");
  return {
    origin,
    /** Who came back, and with what. */
    visits,
    /** The login page, as somebody whose browser knows the proxy as `from` is sent there. */
    link({ from = base, ...more } = {}) {
      const asked = { response_type: "code", client_id, redirect_uri: redirectUri, code_challenge, ...more };
      const pairs = Object.entries({ code_challenge_method: "S256", state: "a state/&='\"<>", ...asked });
      return new URL(`${from}/oauth/authorize?${new URLSearchParams(pairs)}`);
    },
    /** What the token endpoint says to the code of a visit. */
    redeem(visit) {
      const grant = { grant_type: "authorization_code", code: visit.searchParams.get("code") };
      const pairs = { ...grant, client_id, redirect_uri: redirectUri, code_verifier: verifier };
      return post("token", "application/x-www-form-urlencoded", new URLSearchParams(pairs).toString());
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
