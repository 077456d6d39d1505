// A real Chromium, and a page in it that minds what no user should have to see.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** Where pictures of pages go, to be looked at. */
const PICTURES = join(dirname(dirname(fileURLToPath(import.meta.url))), ".screenshots");

/** Starts the browser; scripts/test says where it is. Its sandbox does not work for root. */
export function startBrowser() {
  const executablePath = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, chromiumSandbox: process.getuid() !== 0 });
}

/**
 * A page in a profile of its own. `complaints` is everything that went wrong in it: errors, what it wrote to the
 * console, what its policy forbade, and what it asked for outside of `origin`.
 */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1024, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  const requests = [];
  page.on("console", (message) => complaints.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error}`));
  page.on("request", (request) => {
    requests.push(request.url());
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:" && origin !== url.origin) complaints.push(`request: ${request.url()}`);
  });
  if (options.javaScriptEnabled !== false) {
    await page.exposeFunction("complain", (words) => complaints.push(words));
    await page.addInitScript(() => {
      const complain = ({ effectiveDirective, blockedURI }) => window.complain(`${effectiveDirective}: ${blockedURI}`);
      document.addEventListener("securitypolicyviolation", complain);
    });
  }
  await page.goto(url.href);
  return { page, context, complaints, requests };
}

/** A picture of the whole page. */
export async function picture(page, name) {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}
