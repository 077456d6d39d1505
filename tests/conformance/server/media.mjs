// What content is made of, with the smallest picture and the smallest sound.

/** One red pixel, PNG. */
export const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

/** A WAV file without a sample. */
export const SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

export const text = (said) => ({ type: "text", text: said });
export const image = { type: "image", data: PIXEL, mimeType: "image/png" };
export const audio = { type: "audio", data: SILENCE, mimeType: "audio/wav" };

/** A tool's result that is one sentence, or a value as JSON. */
export const said = (words) => ({ content: [text(words)] });
export const json = (value) => said(JSON.stringify(value));
