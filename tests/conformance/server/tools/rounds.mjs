// Tools that ask the client, as the scenarios of 2026-07-28 want them: by the keys of their questions, with a state
// that the client must give back (`isKept`), several questions at once, and one round after the other.
import { said } from "../media.mjs";
import { field, roots, sample } from "../questions.mjs";
import { NOTHING } from "../schemas.mjs";

const isKept = true;
const words = ({ content }) => content.text;
const uris = (answer) => answer.roots.map(({ uri }) => uri).join(" ");

/** A tool without arguments whose result is what it says in the end. */
const saying = (description, run) => ({
  description,
  inputSchema: NOTHING,
  run: async (_, call) => said(await run(call)),
});

export const rounds = {
  test_input_required_result_elicitation: saying("Asks for a name", async (call) => {
    const { user_name } = await call.ask({ user_name: field("What is your name?", "name") });
    return `Hello, ${user_name.content?.name}!`;
  }),
  test_input_required_result_sampling: saying("Asks the model for a capital", async (call) => {
    const question = sample("What is the capital of France?", { maxTokens: 100 });
    const { capital_question } = await call.ask({ capital_question: question });
    return words(capital_question);
  }),
  test_input_required_result_list_roots: saying("Asks for the roots", async (call) => {
    const { client_roots } = await call.ask({ client_roots: roots() });
    return uris(client_roots);
  }),
  test_input_required_result_request_state: saying("Asks, and wants its state back", async (call) => {
    const { confirm } = await call.ask({ confirm: field("Please confirm", "ok", "boolean") }, { isKept });
    return `state-ok: ${confirm.action}`;
  }),
  test_input_required_result_tampered_state: saying("Asks, and refuses a state that is not its own", async (call) => {
    const { confirm } = await call.ask({ confirm: field("Please confirm", "ok", "boolean") }, { isKept });
    return `confirmed: ${confirm.action}`;
  }),
  test_input_required_result_multiple_inputs: saying("Asks three things at once", async (call) => {
    const questions = {
      user_name: field("What is your name?", "name"),
      greeting: sample("Generate a greeting", { maxTokens: 50 }),
      client_roots: roots(),
    };
    const { user_name, greeting, client_roots } = await call.ask(questions, { isKept });
    return `${words(greeting)}, ${user_name.content?.name}, at ${uris(client_roots)}`;
  }),
  test_input_required_result_multi_round: saying("Asks two things, one after the other", async (call) => {
    const { step1 } = await call.ask({ step1: field("Step 1: What is your name?", "name") }, { isKept });
    const { step2 } = await call.ask({ step2: field("Step 2: What is your favorite color?", "color") }, { isKept });
    return `${step1.content?.name} likes ${step2.content?.color}`;
  }),
  test_input_required_result_capabilities: saying("Asks only what the client has said it can answer", async (call) => {
    const questions = {
      user_name: field("What is your name?", "name"),
      greeting: sample("Generate a greeting", { maxTokens: 50 }),
    };
    const { user_name, greeting } = await call.ask(questions, { isOptional: true });
    return `${greeting === undefined ? "Hello" : words(greeting)}, ${user_name?.content?.name ?? "stranger"}`;
  }),
};
