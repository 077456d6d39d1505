// The client of 2026-07-28: the SDK's 2.x, held to that revision.
import { Client, LOG_LEVEL_META_KEY, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { outcome, until } from "../../support/client.mjs";
import { ANSWERS, CAPABILITIES, INFO, NOTIFICATIONS, Peer } from "./peer.mjs";

const transports = {
  stdio: ({ command, args }) => new StdioClientTransport({ command, args, stderr: "ignore" }),
  streamable: ({ url }) => new StreamableHTTPClientTransport(new URL(url)),
};
const LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

export class ModernPeer extends Peer {
  isModern = true;
  #level = undefined;
  /** What it wants to hear of, and the one stream on which it does. */
  #filter = { resourceSubscriptions: [] };
  #stream = undefined;
  /** Progress by the token that it is reported under. */
  #reports = new Map();

  static async connect(target, label) {
    const peer = new ModernPeer(label);
    const versionNegotiation = { mode: { pin: "2026-07-28" } };
    peer.client = new Client(INFO, { capabilities: CAPABILITIES, versionNegotiation });
    for (const method of NOTIFICATIONS) {
      peer.client.setNotificationHandler(method, ({ params }) => peer.keep(method, params));
    }
    for (const method of Object.keys(ANSWERS)) {
      peer.client.setRequestHandler(method, (request) => peer.respond(request));
    }
    peer.transport = transports[target.transport](target);
    await peer.client.connect(peer.transport);
    peer.#tap();
    return peer;
  }

  /** What the server said of itself. */
  async opening() {
    const { client } = this;
    return {
      info: client.getServerVersion(),
      capabilities: client.getServerCapabilities(),
      instructions: client.getInstructions(),
    };
  }

  /** Takes out the progress that `reported` waits for, which the SDK would look for under tokens of its own. */
  #tap() {
    const deliver = this.transport.onmessage;
    this.transport.onmessage = (message, extra) => {
      const reports = this.#reports.get(message.params?.progressToken);
      if (reports === undefined) deliver(message, extra);
      else reports.push(message.params);
    };
  }

  /** What the tool `report` reports under this token, and its result; progress after the result is missing. */
  async reported(_id, label, progressToken) {
    const reports = [];
    this.#reports.set(progressToken, reports);
    const params = { name: "report", arguments: { label }, _meta: { progressToken } };
    const result = await this.client.request({ method: "tools/call", params });
    return { reports: [...reports], result };
  }

  /** A call of `wait`, once it waits; gives what cancels it. */
  async waiting(_id, label) {
    const abort = new AbortController();
    const ended = outcome(this.call("wait", { label }, { signal: abort.signal }));
    await until("the call", async () => (await this.told("waited")).waiting.includes(label));
    return async (reason) => {
      abort.abort(reason);
      await ended;
    };
  }

  /** The result of a tool as it is. */
  call(name, args = {}, options) {
    const meta = this.#level && { _meta: { [LOG_LEVEL_META_KEY]: this.#level } };
    return this.client.callTool({ name, arguments: args, ...meta }, options);
  }

  /** One round of a call: its result, or its questions. */
  round(name, more = {}) {
    const params = { name, arguments: {}, ...more };
    return this.client.request({ method: "tools/call", params }, { allowInputRequired: true });
  }

  /** From the next call on log lines of this level and above; without one there are none. */
  async level(level) {
    this.#level = level;
  }

  async #listen(filter) {
    const stream = await this.client.listen(filter);
    await this.#stream?.close();
    this.#filter = filter;
    this.#stream = stream;
    return stream.honoredFilter;
  }

  async subscribe(uri) {
    const uris = [...this.#filter.resourceSubscriptions, uri];
    const honoured = await this.#listen({ ...this.#filter, resourceSubscriptions: uris });
    if (!honoured.resourceSubscriptions?.includes(uri)) throw new Error(`not subscribed to ${uri}`);
  }

  async unsubscribe(uri) {
    const uris = this.#filter.resourceSubscriptions.filter((one) => one !== uri);
    await this.#listen({ ...this.#filter, resourceSubscriptions: uris });
  }

  /** From now on it hears when a list changes. */
  async openEars() {
    await this.#listen({ ...this.#filter, ...LISTS });
  }

  /** It hears of nothing any more. */
  async closeEars() {
    await this.#stream?.close();
    this.#stream = undefined;
    this.#filter = { resourceSubscriptions: [] };
  }

  async rootsChanged() {} // nobody is told any more: the next question finds it out

  async close() {
    await this.closeEars();
    await this.client.close();
  }
}
