// Input schemas that several tools have.

export const NOTHING = { type: "object", properties: {} };

/** An object that must have these members, all of them strings. */
export const strings = (...names) => ({
  type: "object",
  properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
  required: names,
});
