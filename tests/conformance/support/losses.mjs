// What may be otherwise through the proxy than directly, by scenario and check: each with its reason.

/** Checks that may stay silent, since the specification leaves the server a choice. */
export const CHOICES = {
  "server-sse-multiple-streams": {
    "server-sse-streams-functional": "a list is answered as JSON, not as a stream",
  },
  "server-sse-polling": {
    "server-sse-disconnect-resume": "our own stream stays open to the end of the call, so nothing has to be resumed",
  },
};

const KEY = "a legacy server's questions have no keys, so it cannot give this one the key that is looked for";
const REPLAY = "a legacy server asks in the middle of a call: without the call's state there is no question to answer";

const QUIET =
  "the line of the log that opens the stream is not sent: a modern server sends none to who has named no level";

const POLLING = { "server-sse-polling": { "server-sse-priming-event": QUIET, "server-sse-retry-field": QUIET } };

/** Checks that are lost between the eras, by leg. One that is not lost, although it is listed, fails as well. */
export const LOSSES = {
  "server-legacy-to-modern": POLLING,
  "server-legacy-to-both": POLLING,
  "server-modern-to-legacy": {
    "input-required-result-basic-elicitation": {
      "sep-2322-elicitation-incomplete": KEY,
      "sep-2322-elicitation-complete": KEY,
    },
    "input-required-result-ignore-extra-params": {
      "sep-2322-ignore-unexpected-params": REPLAY,
    },
  },
};
