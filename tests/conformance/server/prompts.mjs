// The prompts, by name: what a list shows of each, and `run(arguments, call)`; and the completion of their arguments.
import { image, text } from "./media.mjs";
import { field } from "./questions.mjs";

const argument = (name, description) => ({ name, description, required: true });
const user = (...contents) => contents.map((content) => ({ role: "user", content }));

export const prompts = {
  test_simple_prompt: {
    description: "One sentence",
    run: () => user(text("This is a simple prompt for testing.")),
  },
  test_prompt_with_arguments: {
    description: "A sentence with two arguments",
    arguments: [argument("arg1", "First test argument"), argument("arg2", "Second test argument")],
    run: ({ arg1, arg2 }) => user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  },
  test_prompt_with_embedded_resource: {
    description: "A resource and what to do with it",
    arguments: [argument("resourceUri", "URI of the resource to embed")],
    run: ({ resourceUri }) => {
      const body = "Embedded resource content for testing.";
      const resource = { uri: resourceUri, mimeType: "text/plain", text: body };
      return user({ type: "resource", resource }, text("Please process the embedded resource above."));
    },
  },
  test_prompt_with_image: {
    description: "A picture and what to do with it",
    run: () => user(image, text("Please analyze the image above.")),
  },
  test_input_required_result_prompt: {
    description: "Asks the user what it is to be about",
    run: async (_, { ask }) => {
      const { user_context } = await ask({ user_context: field("What context should the prompt use?", "context") });
      return user(text(`In the context: ${user_context.content?.context}`));
    },
  },
};

const WORDS = ["paris", "park", "party", "test", "testing"];

/** What may follow the letters typed so far, whatever the argument. */
export function complete({ argument: { value } }) {
  const values = WORDS.filter((word) => word.startsWith(value));
  return { values, total: values.length, hasMore: false };
}
