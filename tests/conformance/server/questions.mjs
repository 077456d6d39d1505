// What a server asks a client while it answers a call. How a question travels is the era's matter: see `ask` in
// legacy/call.mjs and modern/call.mjs.

/** Has the user fill in a form. */
export const form = (message, requestedSchema) => ({
  method: "elicitation/create",
  params: { mode: "form", message, requestedSchema },
});

/** Sends the user to a URL. */
export const link = (message, url, elicitationId) => ({
  method: "elicitation/create",
  params: { mode: "url", message, url, elicitationId },
});

/** Has the client's model answer. */
export const sample = (prompt, params) => ({
  method: "sampling/createMessage",
  params: { messages: [{ role: "user", content: { type: "text", text: prompt } }], ...params },
});

/** Has the client list its roots. */
export const roots = () => ({ method: "roots/list" });

/** A form with one field, which must be filled in. */
export const field = (message, name, type = "string") =>
  form(message, { type: "object", properties: { [name]: { type } }, required: [name] });
