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

/** A page in a profile of its own; see `openTab`. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1024, height: 900 }, ...options });
  return openTab(context, url, options);
}

/**
 * Another page in the same profile. `complaints` is everything that went wrong in it: errors, what it wrote to the
 * console, what its policy forbade, and what it asked for outside of the URL's origin and `origins`.
 */
export async function openTab(context, url, { origins = [], javaScriptEnabled = true } = {}) {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints = [];
  const requests = [];
  page.on("console", (message) => complaints.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error}`));
  page.on("request", (request) => {
    requests.push(request.url());
    const { protocol, origin } = new URL(request.url());
    const isExpected = protocol === "data:" || [url.origin, ...origins].includes(origin);
    if (!isExpected) complaints.push(`request: ${request.url()}`);
  });
  if (javaScriptEnabled) {
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

/** What makes a page hard to read: texts that are too faint, and lines that one has to scroll to. */
export async function hardships(page) {
  const [width, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  const wide = width > inner ? [`${width} pixels wide in ${inner}`] : [];
  return [...wide, ...(await page.evaluate(faintTexts))];
}

/** In the page: texts whose contrast to what is behind them is below 4.5 to 1 (WCAG 2.2, 1.4.3). */
function faintTexts() {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const linear = channels(color)
      .slice(0, 3)
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const backgroundOf = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((channels(color)[3] ?? 1) === 1) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [];
  for (const node of document.body.querySelectorAll("*")) {
    const isText = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!isText || !node.checkVisibility() || ["SCRIPT", "NOSCRIPT", "OPTION"].includes(node.tagName)) continue;
    const [one, other] = [luminance(getComputedStyle(node).color), luminance(backgroundOf(node))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) faint.push(`${node.textContent}: ${contrast.toFixed(2)}`);
  }
  return faint;
}
