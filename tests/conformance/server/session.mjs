// What one conversation has come to.
export const LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

export class Session {
  /** Log messages below this level are not for the client. */
  threshold = 0;
  /** The URIs whose changes it wants to hear of. */
  subscribed = new Set();
  /** The labels of the calls that wait, and what was cancelled of them, with the reason that was given. */
  waiting = new Set();
  cancelled = [];
  /** The names that were added to each list. */
  added = { tools: new Set(), prompts: new Set(), resources: new Set() };
  /** How often the client said that its roots have changed. */
  rootsChanges = 0;

  /** Adds a name to a list or takes it away again; tells whether it is there now. */
  toggle(kind, name) {
    const names = this.added[kind];
    if (!names.delete(name)) names.add(name);
    return names.has(name);
  }
}
