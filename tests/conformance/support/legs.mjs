// What is run: who speaks which revision on either side of the proxy. A leg is measured by a direct run at the revision
// of its scenarios, with a server or a client of that revision's own era.

/** The revisions that scenarios exist for: the era they belong to, and how the runner's scenarios are chosen. */
export const REVISIONS = {
  "2026-07-28": { era: "modern", selection: ["--requirements", "2026-07-28"] },
  "2025-11-25": { era: "legacy", selection: ["--requirements", "2025-11-25"] },
  // The older one has no list of requirements.
  "2025-06-18": { era: "legacy", selection: ["--spec-version", "2025-06-18"] },
};

/** The runner is the client. `server` is the era that the server behind the proxy is held to. */
const SERVER_LEGS = {
  "server-legacy": { revision: "2025-11-25", server: "legacy" },
  "server-2025-06-18": { revision: "2025-06-18", server: "legacy" },
  "server-modern": { revision: "2026-07-28", server: "modern" },
  "server-modern-to-both": { revision: "2026-07-28", server: "both" },
  "server-modern-to-legacy": { revision: "2026-07-28", server: "legacy" },
  "server-legacy-to-modern": { revision: "2025-11-25", server: "modern" },
  "server-legacy-to-both": { revision: "2025-11-25", server: "both" },
};

/** The runner is the server. `client` is the era of the client before the proxy. */
const CLIENT_LEGS = {
  "client-legacy": { revision: "2025-11-25", client: "legacy" },
  "client-modern": { revision: "2026-07-28", client: "modern" },
  "client-legacy-to-modern": { revision: "2026-07-28", client: "legacy" },
  "client-modern-to-legacy": { revision: "2025-11-25", client: "modern" },
};

export const LEGS = { ...SERVER_LEGS, ...CLIENT_LEGS };

/** The client scenarios that are about more than the login of a client, which is none of the proxy's. */
export const CLIENT_SCENARIOS = {
  "2026-07-28": [
    "tools_call",
    "request-metadata",
    "sep-2322-client-request-state",
    "http-standard-headers",
    "http-custom-headers",
    "http-invalid-tool-headers",
    "json-schema-ref-no-deref",
    "json-schema-2020-12-preservation",
  ],
  "2025-11-25": [
    "initialize",
    "tools_call",
    "elicitation-sep1034-client-defaults",
    "sse-retry",
    "json-schema-2020-12-preservation",
  ],
};
