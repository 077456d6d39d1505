// The resources and the one template, and how they are read.
import { PIXEL } from "./media.mjs";
import { Refusal } from "./refusal.mjs";

const contents = {
  "test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
  "test://static-binary": { mimeType: "image/png", blob: PIXEL },
  "test://watched-resource": { mimeType: "text/plain", text: "This resource can be watched." },
};

export const resources = Object.entries(contents).map(([uri, { mimeType }]) => {
  const name = uri.slice("test://".length);
  return { uri, name, description: `The resource ${name}`, mimeType };
});

export const templates = [
  {
    uriTemplate: "test://template/{id}/data",
    name: "template-data",
    description: "A resource for every id",
    mimeType: "application/json",
  },
];

/** What is at `uri`. */
export function read(uri) {
  if (Object.hasOwn(contents, uri)) return { uri, ...contents[uri] };
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id === undefined) throw new Refusal("nowhere", "Resource not found", { uri });
  const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
  return { uri, mimeType: "application/json", text };
}
