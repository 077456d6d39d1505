// An error that a request is answered with. The eras number one of them differently, so it is a kind here, and a number
// where it is sent.

export class Refusal extends Error {
  /** `kind` is "unknown" (a tool, a prompt, a subscription) or "nowhere" (a resource); `data` goes out as it is. */
  constructor(kind, message, data) {
    super(message);
    this.kind = kind;
    this.data = data;
  }
}
