// The forms that tools ask the user to fill in.

const object = (properties, required) => ({ type: "object", properties, ...(required && { required }) });

export const PERSON = object(
  {
    username: { type: "string", description: "User's response" },
    email: { type: "string", description: "User's email address" },
  },
  ["username", "email"],
);

/** SEP-1034: a default for every primitive type. */
export const DEFAULTS = object({
  name: { type: "string", description: "User name", default: "John Doe" },
  age: { type: "integer", description: "User age", default: 30 },
  score: { type: "number", description: "User score", default: 95.5 },
  status: {
    type: "string",
    description: "User status",
    enum: ["active", "inactive", "pending"],
    default: "active",
  },
  verified: { type: "boolean", description: "Verification status", default: true },
});

const plain = { type: "string", enum: ["option1", "option2", "option3"] };
const titled = (...titles) => titles.map((title, index) => ({ const: `value${index + 1}`, title }));

/** SEP-1330: one of several or some of several, with titles and without, and the older spelling. */
export const ENUMS = object({
  untitledSingle: { description: "One", ...plain },
  titledSingle: {
    description: "One, with titles",
    type: "string",
    oneOf: titled("First Option", "Second Option", "Third Option"),
  },
  legacyEnum: {
    description: "One, with titles as they were once given",
    type: "string",
    enum: ["opt1", "opt2", "opt3"],
    enumNames: ["Option One", "Option Two", "Option Three"],
  },
  untitledMulti: { description: "Some", type: "array", items: plain },
  titledMulti: {
    description: "Some, with titles",
    type: "array",
    items: { anyOf: titled("First Choice", "Second Choice", "Third Choice") },
  },
});
