// Tools that ask the client, as the scenarios of 2025-11-25 want them.
import { DEFAULTS, ENUMS, PERSON } from "../forms.mjs";
import { said } from "../media.mjs";
import { form, sample } from "../questions.mjs";
import { NOTHING, strings } from "../schemas.mjs";

/** Has the user fill in a form, and says what has come of it. */
async function elicit(call, message, schema) {
  const { filled } = await call.ask({ filled: form(message, schema) });
  return `action=${filled.action}, content=${JSON.stringify(filled.content ?? {})}`;
}

export const asking = {
  test_sampling: {
    description: "Has the client's model answer",
    inputSchema: strings("prompt"),
    run: async ({ prompt }, call) => {
      const { answer } = await call.ask({ answer: sample(prompt, { maxTokens: 100 }) });
      const { content } = answer;
      return said(`LLM response: ${content.type === "text" ? content.text : JSON.stringify(content)}`);
    },
  },
  test_elicitation: {
    description: "Asks the user for a name and an address",
    inputSchema: strings("message"),
    run: async ({ message }, call) => said(`User response: ${await elicit(call, message, PERSON)}`),
  },
  test_elicitation_sep1034_defaults: {
    description: "Asks the user with a default for every kind of field",
    inputSchema: NOTHING,
    run: async (_, call) => said(`Elicitation completed: ${await elicit(call, "Please review this", DEFAULTS)}`),
  },
  test_elicitation_sep1330_enums: {
    description: "Asks the user with every kind of choice",
    inputSchema: NOTHING,
    run: async (_, call) => said(`Elicitation completed: ${await elicit(call, "Please choose", ENUMS)}`),
  },
};
