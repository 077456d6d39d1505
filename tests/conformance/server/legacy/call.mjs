// What a tool or a prompt can do during a call of a revision up to 2025-11-25 (see catalogue.mjs): its questions are
// requests to the client, each answered by itself, while the call goes on.
import { LEVELS } from "../session.mjs";

export class Call {
  constructor(server, session, { params }, extra) {
    this.session = session;
    this.signal = extra.signal;
    this.ask = (questions, options) => ask(server, extra, questions, options);
    this.report = async (progress, total, message) => {
      const progressToken = params._meta?.progressToken;
      if (progressToken === undefined) return;
      const report = { progressToken, progress, total, message };
      await extra.sendNotification({ method: "notifications/progress", params: report });
    };
    this.log = async (level, data) => {
      if (LEVELS.indexOf(level) < session.threshold) return;
      await extra.sendNotification({ method: "notifications/message", params: { level, data } });
    };
    this.changed = (kind) => CHANGED[kind](server);
    this.updated = async (uri) => {
      const isSubscribed = session.subscribed.has(uri);
      if (isSubscribed) await server.sendResourceUpdated({ uri });
      return isSubscribed;
    };
    this.completed = (id) => server.createElicitationCompletionNotifier(id, related(extra))();
    this.endStream = () => extra.closeSSEStream?.();
  }
}

const CHANGED = {
  tools: (server) => server.sendToolListChanged(),
  prompts: (server) => server.sendPromptListChanged(),
  resources: (server) => server.sendResourceListChanged(),
};

/** Questions go on the stream of the call that raises them, where the transport has such streams. */
const related = ({ requestId }) => ({ relatedRequestId: requestId });

const SEND = {
  "elicitation/create": (server, params, options) => server.elicitInput(params, options),
  "sampling/createMessage": (server, params, options) => server.createMessage(params, options),
  "roots/list": (server, params, options) => server.listRoots(params, options),
};

/** Asks everything at once. What is optional may be refused, and is missing from the answers then. */
async function ask(server, extra, questions, { isOptional = false } = {}) {
  const send = async ([key, { method, params }]) => [key, await SEND[method](server, params, related(extra))];
  const outcomes = await Promise.allSettled(Object.entries(questions).map(send));
  const refused = outcomes.find(({ status }) => status === "rejected");
  if (refused !== undefined && !isOptional) throw refused.reason;
  return Object.fromEntries(outcomes.filter(({ status }) => status === "fulfilled").map(({ value }) => value));
}
