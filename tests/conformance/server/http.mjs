// The reference server on HTTP, at /mcp; what is older than 2026-07-28 finds SSE at /sse as well. The SDK's express
// application refuses foreign `Host` headers, as the suite demands of a server on a loopback address.
import { isLegacyRequest } from "@modelcontextprotocol/server";
import { toWebRequest } from "@modelcontextprotocol/node";
import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { once } from "node:events";
import { legacyHandler, serveSse } from "./legacy/http.mjs";
import { modernHandler } from "./modern/http.mjs";

const HOST = "127.0.0.1";

/** Listens on a free port and gives the origin. */
export async function listen(era) {
  const app = createMcpExpressApp({ host: HOST });
  app.all("/mcp", HANDLERS[era]());
  if (era !== "modern") serveSse(app);
  const server = app.listen(0, HOST);
  await once(server, "listening");
  return `http://${HOST}:${server.address().port}`;
}

const HANDLERS = {
  legacy: legacyHandler,
  modern: () => onParsed(modernHandler()),
  both: () => {
    const [legacy, modern] = [legacyHandler(), onParsed(modernHandler())];
    return async (request, response) => {
      const isLegacy = await isLegacyRequest(await toWebRequest(request, request.body));
      await (isLegacy ? legacy : modern)(request, response);
    };
  },
};

/** The application has read the body already. */
const onParsed = (handler) => (request, response) => handler(request, response, request.body);
