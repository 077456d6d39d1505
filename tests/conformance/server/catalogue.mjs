// What the server has, whichever era asks for it: tools and prompts by name, resources, and completions.
//
// A tool's and a prompt's `run(arguments, call)` may ask the client and tell it things; `call` is how, in either era:
//
//     call.ask(questions)    the answers, by the questions' keys; see questions.mjs
//     call.report(done, total, message)    progress, if the caller wants any
//     call.log(level, data)    a log line, if the caller wants that level
//     call.changed(kind), call.updated(uri), call.completed(id)    news
//     call.session    what the conversation has come to
//     call.signal    aborted when the call is cancelled
//     call.endStream()    ends the response stream of the call, where the transport can
import { prompts } from "./prompts.mjs";
import { Refusal } from "./refusal.mjs";
import { resources } from "./resources.mjs";
import { asking } from "./tools/asking.mjs";
import { during } from "./tools/during.mjs";
import { plain } from "./tools/plain.mjs";
import { rounds } from "./tools/rounds.mjs";
import { stateless } from "./tools/stateless.mjs";

const tools = { ...plain, ...asking, ...rounds, ...stateless, ...during };

export const INFO = { name: "conformance-reference", title: "Conformance reference", version: "1.0.0" };
export const INSTRUCTIONS = "Everything here answers as the conformance suite expects.";
export const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
};

/** A table with what was added to it meanwhile. */
const withAdded = (table, names, made) => ({
  ...table,
  ...Object.fromEntries([...names].map((name) => [name, made(name)])),
});

const addedTool = (name) => ({
  description: `Was added: ${name}`,
  inputSchema: { type: "object" },
  run: () => ({ content: [] }),
});
const addedPrompt = (name) => ({ description: `Was added: ${name}`, run: () => [] });

export const toolsNow = ({ added }) => withAdded(tools, added.tools, addedTool);
export const promptsNow = ({ added }) => withAdded(prompts, added.prompts, addedPrompt);
export const resourcesNow = ({ added }) => [
  ...resources,
  ...[...added.resources].map((name) => ({ name, uri: `test://added/${name}` })),
];

/** A table's entries as a list shows them: with their names, without what they do. */
export const listed = (table) => Object.entries(table).map(([name, { run, ...shown }]) => ({ name, ...shown }));

export function entry(table, kind, name) {
  if (!Object.hasOwn(table, name)) throw new Refusal("unknown", `Unknown ${kind}: ${name}`);
  return table[name];
}
