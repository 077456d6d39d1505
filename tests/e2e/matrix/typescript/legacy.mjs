// The client of the revisions up to 2025-11-25: the SDK's 1.x, over every transport.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ElicitationCompleteNotificationSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { until } from "../../support/client.mjs";
import { CAPABILITIES, INFO, Peer } from "./peer.mjs";

const transports = {
  stdio: ({ command, args }) => new StdioClientTransport({ command, args, stderr: "ignore" }),
  streamable: ({ url }) => new StreamableHTTPClientTransport(new URL(url)),
  sse: ({ url }) => new SSEClientTransport(new URL(url)),
};

const NOTIFICATIONS = [
  ElicitationCompleteNotificationSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
];
const QUESTIONS = [CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema];

export class LegacyPeer extends Peer {
  isModern = false;
  #raw = new Map();

  static async connect(target, label) {
    const peer = new LegacyPeer(label);
    const capabilities = { ...CAPABILITIES, roots: { listChanged: true } };
    peer.client = new Client(INFO, { capabilities });
    for (const schema of NOTIFICATIONS) {
      peer.client.setNotificationHandler(schema, ({ method, params }) => peer.keep(method, params));
    }
    for (const schema of QUESTIONS) peer.client.setRequestHandler(schema, (request) => peer.respond(request));
    peer.transport = transports[target.transport](target);
    await peer.client.connect(peer.transport);
    peer.#tap();
    return peer;
  }

  /** What the server said of itself. */
  async opening() {
    await this.client.ping();
    const { client } = this;
    return {
      info: client.getServerVersion(),
      capabilities: client.getServerCapabilities(),
      instructions: client.getInstructions(),
    };
  }

  /** Lets `raw` see what belongs to it before the SDK does. */
  #tap() {
    const deliver = this.transport.onmessage;
    this.transport.onmessage = (message, extra) => {
      const token = message.params?.progressToken;
      for (const [id, request] of this.#raw) {
        const isAnswer = message.id === id && message.method === undefined;
        if (isAnswer || (token !== undefined && token === request.token)) {
          request.messages.push(message);
          if (isAnswer) request.finish(request.messages);
          return;
        }
      }
      deliver(message, extra);
    };
  }

  /**
   * Sends a request under an id of the caller's choice, which the SDK does not offer. Gives the progress reported for
   * its token and, last, its answer, in the order in which they came.
   */
  #send(id, method, params) {
    return new Promise((resolve, reject) => {
      const finish = (messages) => resolve(messages) ?? this.#raw.delete(id);
      this.#raw.set(id, { token: params._meta?.progressToken, messages: [], finish });
      this.transport.send({ jsonrpc: "2.0", id, method, params }).catch(reject);
    });
  }

  /** What the tool `report` reports under this id and token, and its result; progress after the result is missing. */
  async reported(id, label, progressToken) {
    const params = { name: "report", arguments: { label }, _meta: { progressToken } };
    const messages = await this.#send(id, "tools/call", params);
    const { result, error } = messages.pop();
    if (result === undefined) throw new Error(error.message);
    return { reports: messages.map((message) => message.params), result };
  }

  /** A call of `wait` under this id, once it waits; gives what cancels it. */
  async waiting(id, label) {
    this.#send(id, "tools/call", { name: "wait", arguments: { label } }).catch(() => {});
    await until("the call", async () => (await this.told("waited")).waiting.includes(label));
    const params = (reason) => ({ requestId: id, reason });
    return (reason) =>
      this.transport.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: params(reason) });
  }

  /** The result of a tool as it is. */
  call(name, args = {}, options) {
    return this.client.callTool({ name, arguments: args }, undefined, options);
  }

  /** From now on log lines of this level and above. */
  async level(level) {
    await this.client.setLoggingLevel(level);
  }

  async subscribe(uri) {
    await this.client.subscribeResource({ uri });
  }

  async unsubscribe(uri) {
    await this.client.unsubscribeResource({ uri });
  }

  /** Has the server announce a resource until that is heard: from then on there is a stream for such news. */
  async openEars() {
    const uri = `test://template/ears-${this.label}/data`;
    await this.subscribe(uri);
    await until("a stream for news", async () => {
      await this.told("touch", { uri });
      return this.updated.includes(uri);
    });
    await this.unsubscribe(uri);
  }

  async rootsChanged() {
    await this.client.sendRootsListChanged();
  }

  async close() {
    await this.transport.terminateSession?.().catch(() => {});
    await this.client.close();
  }
}
