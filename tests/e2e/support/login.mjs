#!/usr/bin/env node
// Plays the browser and who sits before it: opens the login page, fills it in and sends it. As a program, it goes on to
// where it is sent, as `$BROWSER` would, and notes each login as a line of the file that `LOGINS` names.
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const USER = { username: "ada", password: "correct horse" };

/** Logs in on the page at `url`; where the page then leads, which contains the code. */
export async function logIn(url) {
  const page = await fetch(url, { redirect: "manual" });
  const form = await page.text();
  const [, txn] = form.match(/name="txn" value="([^"]+)"/) ?? fail(`no form: ${page.status} ${form}`);
  const [cookie] = page.headers.get("set-cookie").split(";");
  const { origin } = new URL(url);
  const body = new URLSearchParams({ txn, ...USER });
  const sent = await fetch(new URL("authorize", url), { method: "POST", headers: { cookie, origin }, body });
  const text = await sent.text();
  const [, link] = text.match(/<a href="([^"]+)"/) ?? fail(`no way on: ${sent.status} ${text}`);
  return new URL(link.replaceAll("&amp;", "&"));
}

function fail(message) {
  throw new Error(message);
}

/** Who types takes longer than this: a client may begin to listen only after it has opened the browser. */
async function follow(link, attempts = 50) {
  try {
    return await fetch(link);
  } catch (error) {
    if (attempts === 1) throw error;
    await sleep(100);
    return follow(link, attempts - 1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reached = await follow(await logIn(process.argv[2]));
  await reached.text();
  appendFileSync(process.env.LOGINS, `${reached.status}\n`);
}
