// The official SDK's client, connected either straight to a server's stdin and stdout or through the proxy.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

/** What the proxy itself declares to a server that several clients share. */
export const CAPABILITIES = { roots: {}, sampling: { tools: {} }, elicitation: { form: {}, url: {} } };

const open = new Set();

function client(prepare) {
  const made = new Client({ name: "e2e", version: "1.0.0" }, { capabilities: CAPABILITIES });
  open.add(made);
  made.onclose = () => open.delete(made);
  prepare?.(made);
  return made;
}

/** Closes what a failed test left open: the test runner would wait for it. */
export async function closeAll() {
  await Promise.all([...open].map((made) => made.close()));
}

/** Straight to the server: what a user would have without us. */
export async function connectDirect({ command, args, env }, prepare) {
  const made = client(prepare);
  await made.connect(new StdioClientTransport({ command, args, env, stderr: "ignore" }));
  return made;
}

/** Through the proxy over HTTP+SSE, as it was before streamable HTTP. */
export async function connectSse(url, prepare) {
  const made = client(prepare);
  await made.connect(new SSEClientTransport(url));
  return made;
}

/** Through the proxy. `prepare` may set handlers before the connection is made. */
export async function connectThrough(url, prepare) {
  const made = client(prepare);
  await made.connect(new StreamableHTTPClientTransport(url));
  return made;
}

/** A request's outcome as data, so that errors can be compared like results. */
export async function outcome(promise) {
  try {
    return { result: await promise };
  } catch (error) {
    return { code: error.code, message: error.message, data: error.data };
  }
}

/** All pages of a list, each as it came. */
export async function pages(list) {
  const found = [];
  let cursor;
  do {
    const page = await list(cursor === undefined ? {} : { cursor });
    found.push(page);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

/** Waits for `condition` to give something; fails after `ms`. */
export async function until(what, condition, ms = 5_000) {
  const started = Date.now();
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() - started > ms) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
