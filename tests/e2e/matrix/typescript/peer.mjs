// A client on the official SDK that keeps what it is told and answers what it is asked, each time with its own label.
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

const CAPABILITIES = { roots: { listChanged: true }, sampling: { tools: {} }, elicitation: { form: {}, url: {} } };

const transports = {
  stdio: ({ command, args }) => new StdioClientTransport({ command, args, stderr: "ignore" }),
  streamable: ({ url }) => new StreamableHTTPClientTransport(new URL(url)),
  sse: ({ url }) => new SSEClientTransport(new URL(url)),
};

export class Peer {
  /** What came unasked, in its order. */
  logged = [];
  updated = [];
  completed = [];
  changed = { tools: 0, prompts: 0, resources: 0 };
  /** What was asked, in its order. */
  asked = [];
  /** What it answers to the next question for input, instead of accepting. */
  answer = undefined;
  roots = [];
  #raw = new Map();

  constructor(label) {
    this.label = label;
    this.roots = [{ uri: `file:///srv/${label}`, name: label }];
    this.client = new Client({ name: "matrix", title: "The matrix", version: "1.0.0" }, { capabilities: CAPABILITIES });
    this.#listen();
    this.#respond();
  }

  static async connect(target, label) {
    const peer = new Peer(label);
    peer.transport = transports[target.transport](target);
    await peer.client.connect(peer.transport);
    peer.#tap();
    return peer;
  }

  #listen() {
    const on = (schema, keep) => this.client.setNotificationHandler(schema, ({ params }) => void keep(params));
    on(LoggingMessageNotificationSchema, (params) => this.logged.push(params));
    on(ResourceUpdatedNotificationSchema, ({ uri }) => this.updated.push(uri));
    on(ElicitationCompleteNotificationSchema, ({ elicitationId }) => this.completed.push(elicitationId));
    on(ToolListChangedNotificationSchema, () => (this.changed.tools += 1));
    on(PromptListChangedNotificationSchema, () => (this.changed.prompts += 1));
    on(ResourceListChangedNotificationSchema, () => (this.changed.resources += 1));
  }

  #respond() {
    const on = (schema, answer) =>
      this.client.setRequestHandler(schema, ({ method, params }) => {
        this.asked.push({ method, params });
        if (this.answer instanceof Error) throw this.answer;
        return answer(params);
      });
    on(CreateMessageRequestSchema, () => ({
      model: "matrix-model",
      role: "assistant",
      stopReason: "endTurn",
      content: { type: "text", text: `${this.label} says \u{1f600}\u2028"` },
    }));
    on(ElicitRequestSchema, ({ mode }) => {
      if (this.answer !== undefined) return this.answer;
      return mode === "url" ? { action: "accept" } : { action: "accept", content: { name: this.label, age: 7 } };
    });
    on(ListRootsRequestSchema, () => ({ roots: this.roots }));
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
  raw(id, method, params) {
    return new Promise((resolve, reject) => {
      const finish = (messages) => resolve(messages) ?? this.#raw.delete(id);
      this.#raw.set(id, { token: params._meta?.progressToken, messages: [], finish });
      this.transport.send({ jsonrpc: "2.0", id, method, params }).catch(reject);
    });
  }

  notify(method, params) {
    return this.transport.send({ jsonrpc: "2.0", method, params });
  }

  /** The result of a tool as it is. */
  call(name, args = {}, options) {
    return this.client.callTool({ name, arguments: args }, undefined, options);
  }

  /** What a tool said as JSON; a failed tool is an error. */
  async told(name, args = {}) {
    const { isError, content } = await this.call(name, args);
    if (isError) throw new Error(content[0].text);
    return JSON.parse(content[0].text);
  }

  /** Has the server announce a resource until that is heard: from then on there is a stream for such news. */
  async openEars() {
    const uri = `test://template/ears-${this.label}/data`;
    await this.client.subscribeResource({ uri });
    await until("a stream for news", async () => {
      await this.told("touch", { uri });
      return this.updated.includes(uri);
    });
    await this.client.unsubscribeResource({ uri });
  }

  async close() {
    await this.transport.terminateSession?.().catch(() => {});
    await this.client.close();
  }
}
