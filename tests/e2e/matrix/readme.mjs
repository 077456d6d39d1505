// The place of the matrix in README.md: what stands between two comments.
import { readFileSync, writeFileSync } from "node:fs";

const README = new URL("../../../README.md", import.meta.url);
const PLACE = /(?<=<!-- matrix -->\n\n)[^]*?(?=\n\n<!-- end of the matrix -->)/;

/** The table that is shown now. */
export const readmeTable = () => PLACE.exec(readFileSync(README, "utf8"))?.[0];

/** Shows another one. */
export function writeReadmeTable(table) {
  writeFileSync(README, readFileSync(README, "utf8").replace(PLACE, () => table));
}
