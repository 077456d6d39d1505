// The status page in a real browser.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { hardships, openPage, picture, startBrowser } from "./support/browser.mjs";
import { closeAll, connectThrough, until } from "./support/client.mjs";
import { BINARY, startProxy } from "./support/proxy.mjs";

const SECRET = "s3cret-0123456789";

const demo = { command: BINARY, args: ["__demo"] };
const broken = { command: "sh", args: ["-c", `echo "cannot find paper: /dev/paper" >&2; exit 3`, SECRET] };

const servers = {
  demo,
  broken,
  missing: { command: "no-such-command-anywhere" },
  closed: { ...demo, env: { KEY: SECRET }, options: { authTokens: [SECRET] } },
  [`team/${SECRET}`]: demo,
  "far-away": { url: `http://127.0.0.1:9/${SECRET}/mcp?key=${SECRET}`, transportType: "streamable-http" },
  "each-its-own": { ...demo, options: { isolation: "session" } },
};

describe("the status page", () => {
  let proxy, browser, url;
  before(async () => {
    proxy = await startProxy(servers);
    url = new URL("/", proxy.url("demo"));
    browser = await startBrowser();
    await until("the servers", async () => {
      const { servers } = await (await fetch(url, { headers: { accept: "application/json" } })).json();
      const [demo, broken, missing, closed, , remote] = servers;
      return demo.tools && closed.tools && broken.lastFailure && missing.lastFailure && remote.lastFailure;
    });
  });
  after(async () => {
    await closeAll();
    await browser?.close();
    assert.equal(await proxy?.stop(), 0, "the exit status");
  });

  const card = (page, name) => page.getByRole("region", { name, exact: true });
  const open = (options) => openPage(browser, url, options);
  const close = async ({ context, complaints }) => {
    await context.close();
    assert.deepEqual(complaints, []);
  };

  test("shows servers with their state, tools and last error, and no secret", async () => {
    const opened = await open();
    const { page } = opened;
    await page.getByRole("heading", { level: 1, name: "e2e" }).waitFor();
    assert.equal(await page.getByRole("region").count(), Object.keys(servers).length);
    assert.match(await card(page, "demo").innerText(), /Ready[^]*for \d+ seconds?[^]*a process[^]*\/demo\/mcp/);
    await card(page, "demo").getByText(/^\d+ tools$/).click();
    await card(page, "demo").getByText("echo", { exact: true }).waitFor();
    const words = await card(page, "broken").innerText();
    assert.match(words, /Down[^]*Could not be started: exit status 3[^]*last words: cannot find paper: \/dev\/paper/);
    assert.match(await card(page, "missing").innerText(), /Could not be started/);
    assert.match(await card(page, "far-away").innerText(), /http:\/\/127.0.0.1:9, in the network/);
    assert.match(await card(page, "closed").innerText(), /need a token/);
    assert.match(await card(page, "each-its-own").innerText(), /On demand[^]*each with a server of its own/);
    await card(page, "team/…").waitFor();
    assert.equal((await page.content()).includes("s3cret"), false);
    assert.match(await page.title(), /^\(\d not ready\) e2e: status$/);
    await close(opened);
  });

  test("keeps itself up to date", async () => {
    const opened = await open();
    const { page } = opened;
    await page.evaluate(() => (window.isTheSame = true));
    await card(page, "demo").getByText(/^\d+ tools$/).click();
    const client = await connectThrough(proxy.url("demo"));
    await client.callTool({ name: "toggle", arguments: { list: "tools" } });
    await card(page, "demo").getByText("toggled", { exact: true }).waitFor();
    await client.callTool({ name: "crash", arguments: {} }).catch(() => {});
    await card(page, "demo").getByText("Crashed: exit status 3").waitFor();
    await card(page, "demo").getByText(/restarted 1 time/).waitFor();
    await card(page, "demo").getByText("Ready", { exact: true }).waitFor();
    assert.equal(await card(page, "demo").locator("details.tools-of").getAttribute("open"), "", "it stays open");
    assert.equal(await page.evaluate(() => window.isTheSame), true, "nothing was loaded anew");
    await close(opened);
  });

  test("every client's snippet can be copied", async () => {
    const opened = await open();
    const { page, context } = opened;
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url.origin });
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    const demo = card(page, "demo");
    await demo.getByText("Connect a client").click();
    const picker = demo.getByRole("combobox", { name: "Client for demo" });
    const titles = await picker.locator("option").allInnerTexts();
    assert.equal(titles.length, 12);
    for (const title of titles) {
      await picker.selectOption(title);
      await demo.getByRole("button", { name: `Copy the snippet of demo for ${title}` }).click();
      await demo.getByRole("button", { name: `Copied the snippet of demo for ${title}` }).waitFor();
      assert.equal(await clipboard(), await demo.locator("pre").innerText(), title);
      assert.ok((await clipboard()).includes(`${url.origin}/demo/mcp`), title);
    }
    await demo.getByRole("button", { name: `Copy the snippet of demo for ${titles.at(-1)}` }).waitFor();
    await demo.getByRole("button", { name: "Copy the streamable HTTP URL of demo" }).click();
    assert.equal(await clipboard(), `${url.origin}/demo/mcp`);
    await card(page, "closed").getByText("Connect a client").click();
    await card(page, "closed").getByText("Put your token where <token> stands.").waitFor();
    await page.reload();
    await demo.getByText("Connect a client").click();
    assert.equal(await picker.locator("option:checked").innerText(), titles.at(-1), "it remembers the client");
    await close(opened);
  });

  test("copies where the browser has no clipboard for pages", async () => {
    const opened = await open();
    const { page, context } = opened;
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url.origin });
    await page.evaluate(() => {
      window.clipboard = navigator.clipboard;
      Object.defineProperty(navigator, "clipboard", { value: undefined });
    });
    await card(page, "demo").getByRole("button", { name: "Copy the HTTP+SSE URL of demo" }).click();
    await card(page, "demo").getByRole("button", { name: "Copied the HTTP+SSE URL of demo" }).waitFor();
    assert.equal(await page.evaluate(() => window.clipboard.readText()), `${url.origin}/demo/sse`);
    await close(opened);
  });

  test("asks nobody else, and not while nobody looks", async () => {
    const opened = await open();
    const { page, requests } = opened;
    await until("another request", () => requests.length >= 3);
    await page.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { value: "hidden" });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    const before = requests.length;
    await page.waitForTimeout(2_500);
    assert.equal(requests.length, before);
    assert.deepEqual([...new Set(requests.filter((asked) => !asked.startsWith("data:")))], [url.href]);
    await close(opened);
  });

  test("could not do more if somebody made it try", async () => {
    const opened = await open();
    const { page, context, complaints } = opened;
    const outcomes = await page.evaluate(async () => {
      const tried = (attempt) => Promise.resolve().then(attempt).then(() => "done", (error) => error.name);
      const script = document.createElement("script");
      return [
        await tried(() => fetch("http://127.0.0.1:1/")),
        await tried(() => (script.textContent = "alert(1)")),
        await tried(() => (document.body.innerHTML = "<b>x</b>")),
      ];
    });
    assert.deepEqual(outcomes, ["TypeError", "TypeError", "TypeError"]);
    await until("the complaints", () => complaints.filter((words) => /^connect-src: http:/.test(words)).length === 1);
    await context.close();
  });

  test("can be read in light and dark, on a phone, and with a keyboard", async () => {
    for (const [name, options] of Object.entries({
      light: { colorScheme: "light" },
      dark: { colorScheme: "dark" },
      phone: { colorScheme: "light", viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 },
      narrow: { colorScheme: "dark", viewport: { width: 280, height: 653 } },
    })) {
      const opened = await open(options);
      const { page } = opened;
      await card(page, "demo").getByText(/^\d+ tools$/).click();
      await card(page, "closed").getByText("Connect a client").click();
      await picture(page, name);
      assert.deepEqual(await hardships(page), [], name);
      await close(opened);
    }
    const opened = await open();
    await opened.page.keyboard.press("Tab");
    const focused = await opened.page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return [document.activeElement.textContent, outlineStyle, outlineWidth];
    });
    assert.deepEqual(focused, ["Copy the streamable HTTP URL of demo", "solid", "3px"]);
    await close(opened);
  });

  test("everything that can be operated has a name of its own", async () => {
    const opened = await open();
    for (const name of ["demo", "closed"]) await card(opened.page, name).getByText("Connect a client").click();
    const tree = await opened.page.locator("body").ariaSnapshot();
    assert.doesNotMatch(tree, /- (button|combobox|region)(:| *$)/m, tree);
    const names = [...tree.matchAll(/- button "(.*?)"/g)].map(([, name]) => name);
    assert.equal(new Set(names).size, names.length, `buttons of the same name: ${names}`);
    for (const landmark of ["banner", "main", "contentinfo"]) assert.match(tree, new RegExp(`^- ${landmark}`, "m"));
    await close(opened);
  });

  test("names the servers where no script runs", async () => {
    const opened = await open({ javaScriptEnabled: false });
    const words = await opened.page.locator("main").innerText();
    assert.match(words, /needs JavaScript[^]*demo: ready[^]*missing: down/);
    await close(opened);
  });

  test("says so when the proxy is gone", async () => {
    const other = await startProxy({ demo });
    const opened = await openPage(browser, new URL("/", other.url("demo")));
    await opened.page.getByRole("heading", { name: "demo" }).waitFor();
    await other.stop();
    await opened.page.getByText("The proxy does not answer.").waitFor();
    await opened.context.close();
  });
});
