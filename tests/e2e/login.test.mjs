// The login in a real browser, up to the application that somebody is sent back to.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startApplication } from "./support/application.mjs";
import { hardships, openPage, openTab, picture, startBrowser } from "./support/browser.mjs";
import { until } from "./support/client.mjs";
import { freePort, startNginx } from "./support/nginx.mjs";
import { BINARY, startProxy } from "./support/proxy.mjs";

const ADA = { name: "ada", password: "correct horse/battery&staple" };
const demo = { command: BINARY, args: ["__demo"] };
const golden = (name) => readFileSync(new URL(`../it/golden/oauth/${name}`, import.meta.url), "utf8");
const builtIn = (name) => readFileSync(new URL(`../../templates/oauth/${name}`, import.meta.url), "utf8");

// Chromium says so of every page with such a status.
const STATUS = "console: Failed to load resource: the server responded with a status of";
const REFUSED = `${STATUS} 401 (Unauthorized)`;
const STALE = `${STATUS} 403 (Forbidden)`;

describe("the login page", () => {
  let folder, templates, proxy, browser, base, application;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "mcp-proxy-login-"));
    templates = join(folder, "templates", "oauth");
    mkdirSync(templates, { recursive: true });
    const oauth2 = {
      enabled: true,
      users: { [ADA.name]: ADA.password },
      persistenceDir: join(folder, "kept"),
      templateDir: join(folder, "templates"),
      redirectURIs: ["loopback", "cursor", "claude"],
    };
    proxy = await startProxy({ demo }, { settings: { options: { oauth2 } } });
    base = proxy.url("demo").origin;
    browser = await startBrowser();
    application = await startApplication(base);
  });
  after(async () => {
    await browser?.close();
    application?.stop();
    assert.equal(await proxy?.stop(), 0, "the exit status");
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (options, link = application.link()) =>
    openPage(browser, link, { origins: [application.origin], ...options });
  const close = async ({ context, complaints }, expected = []) => {
    await context.close();
    assert.deepEqual(complaints, expected);
  };
  /** Likewise, where Chromium may have said several times that a page was an error's. */
  const closeWithRefusals = async ({ context, complaints }) => {
    await context.close();
    assert.deepEqual(complaints.filter((words) => !words.startsWith(STATUS)), []);
  };
  const fields = (page) => ({
    name: page.getByRole("textbox", { name: "User name" }),
    password: page.getByRole("textbox", { name: "Password" }),
    button: page.getByRole("button", { name: "Sign in and allow" }),
  });
  const type = async (page, password = ADA.password) => {
    await fields(page).name.fill(ADA.name);
    await fields(page).password.fill(password);
  };
  const logIn = async (page, password) => {
    await type(page, password);
    await fields(page).button.click();
  };
  /** The browser has come back to the application, with what its client needs. */
  const connected = async (page, app = application) => {
    await page.getByRole("heading", { name: "Connected" }).waitFor();
    const visit = new URL(page.url());
    assert.equal(visit.origin + visit.pathname, `${app.origin}/callback`);
    assert.equal(app.visits.at(-1).href, visit.href, "the application was asked for that very page");
    assert.deepEqual([...visit.searchParams.keys()].sort(), ["code", "iss", "state"]);
    assert.equal(visit.searchParams.get("state"), "a state/&='\"<>");
    return visit;
  };
  const redeemed = async (visit, app = application) => {
    const tokens = await app.redeem(visit);
    assert.equal(tokens.status, 200, JSON.stringify(tokens));
    assert.ok(tokens.access_token);
  };
  const focused = (page) => page.evaluate(() => document.activeElement.id);

  test("says who asks, refuses a wrong password at its field, and leads to the application", async () => {
    const opened = await open();
    const { page } = opened;
    const words = await page.locator("main").innerText();
    assert.match(words, /Notebook asks to use all servers[^]*127\.0\.0\.1:\d+[^]*program on your own computer/);
    assert.equal(await focused(page), "username");
    await logIn(page, "wrong");
    await page.getByRole("alert").getByText("The user name or the password is wrong.").waitFor();
    const { name, password } = fields(page);
    assert.equal(await name.inputValue(), ADA.name, "the name is kept");
    assert.equal(await password.inputValue(), "");
    assert.equal(await focused(page), "password");
    assert.equal(await password.getAttribute("aria-describedby"), await page.getByRole("alert").getAttribute("id"));
    const gap = (await password.boundingBox()).y - (await page.getByRole("alert").boundingBox()).y;
    assert.ok(gap > 0 && gap < 100, `the error is ${gap} pixels above its field`);
    await picture(page, "login-wrong-password");
    assert.deepEqual(await hardships(page), []);
    await password.fill(ADA.password);
    await fields(page).button.click();
    const visit = await connected(page);
    assert.equal(visit.searchParams.get("iss"), base);
    await redeemed(visit);
    await close(opened, [REFUSED]);
  });

  test("a double click is one login", async () => {
    for (const options of [{}, { delay: 20 }, { delay: 60 }]) {
      const opened = await open();
      await type(opened.page);
      await fields(opened.page).button.dblclick(options);
      await redeemed(await connected(opened.page));
      await close(opened);
    }
  });

  test("a form that was sent once is not the end when it is sent again with another password", async () => {
    const opened = await open();
    const { page, context } = opened;
    const inputs = (nodes) => Object.fromEntries(nodes.map((node) => [node.name, node.value]));
    const form = await page.locator("form input").evaluateAll(inputs);
    await context.request.post(`${base}/oauth/authorize`, { form: { ...form, username: "ada", password: "wrong" } });
    await logIn(page);
    await page.getByRole("alert").getByText(/sent already/).waitFor();
    assert.equal(await fields(page).name.inputValue(), ADA.name);
    await fields(page).password.fill(ADA.password);
    await fields(page).button.click();
    await redeemed(await connected(page));
    await close(opened, [STALE]);
  });

  test("a page that is too old is given out anew, with advice", async () => {
    const opened = await open();
    const { page } = opened;
    await page.waitForTimeout(1_100); // so that it is the oldest
    for (let index = 0; index < 100; index += 1) await fetch(application.link());
    await logIn(page);
    await page.getByRole("alert").getByText(/too old[^]*again/).waitFor();
    assert.equal(await fields(page).name.inputValue(), ADA.name);
    assert.equal(await focused(page), "password");
    await picture(page, "login-too-old");
    await fields(page).password.fill(ADA.password);
    await fields(page).button.click();
    await redeemed(await connected(page));
    await close(opened, [STALE]);
  });

  test("says so when the browser keeps no cookies, without leading astray", async () => {
    const opened = await open();
    const { page, context } = opened;
    await context.clearCookies();
    await logIn(page);
    await page.getByRole("alert").getByText(/cookie/).waitFor();
    await fields(page).password.fill(ADA.password);
    await fields(page).button.click();
    await redeemed(await connected(page));
    await close(opened, [STALE]);
  });

  test("two tabs do not disturb each other", async () => {
    const other = await startApplication(base, { name: "Diary" });
    const one = await open();
    const two = await openTab(one.context, other.link(), { origins: [other.origin] });
    await logIn(one.page);
    await redeemed(await connected(one.page));
    await logIn(two.page);
    await redeemed(await connected(two.page, other), other);
    other.stop();
    assert.deepEqual(two.complaints, []);
    await close(one);
  });

  test("the back button leads to a page that works", async () => {
    const opened = await open();
    const { page } = opened;
    await logIn(page, "wrong");
    await page.getByRole("alert").waitFor();
    await page.goBack();
    await page.getByRole("alert").waitFor({ state: "detached" });
    await logIn(page);
    await connected(page);
    await page.goBack();
    await logIn(page);
    await redeemed(await connected(page));
    await close(opened, [REFUSED]);
  });

  test("a page that is reloaded after a wrong password is the same", async () => {
    const opened = await open();
    const { page } = opened;
    await logIn(page, "wrong");
    await page.getByRole("alert").waitFor();
    await page.reload();
    await page.getByRole("alert").waitFor();
    await logIn(page);
    await redeemed(await connected(page));
    await closeWithRefusals(opened);
  });

  test("needs no mouse", async () => {
    const opened = await open();
    const { page } = opened;
    await page.locator("#username:focus").waitFor(); // the browser puts the cursor there, a moment after the page
    await page.keyboard.type(ADA.name);
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "password");
    await page.keyboard.type(ADA.password);
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return [document.activeElement.tagName, outlineStyle, outlineWidth];
    });
    assert.deepEqual(outline, ["BUTTON", "solid", "3px"]);
    await page.keyboard.press("Enter");
    await redeemed(await connected(page));
    await close(opened);
  });

  test("needs no script", async () => {
    const opened = await open({ javaScriptEnabled: false });
    const { page } = opened;
    await logIn(page, "wrong");
    await page.getByRole("alert").waitFor();
    await logIn(page);
    await redeemed(await connected(page));
    await close(opened, [REFUSED]);
  });

  test("everything in it has a name, for screen readers and password managers", async () => {
    const opened = await open();
    const { page } = opened;
    const tree = await page.locator("body").ariaSnapshot();
    for (const part of ["- main", '- heading "Sign in', '- textbox "User name"', '- textbox "Password"']) {
      assert.ok(tree.includes(part), `${part} in ${tree}`);
    }
    assert.doesNotMatch(tree, /- (button|textbox|link)(:| *$)/m, tree);
    assert.equal(await fields(page).name.getAttribute("autocomplete"), "username");
    assert.equal(await fields(page).password.getAttribute("autocomplete"), "current-password");
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    await close(opened);
  });

  test("can be read in light and dark, and on a phone", async () => {
    for (const [look, options] of Object.entries({
      light: { colorScheme: "light" },
      dark: { colorScheme: "dark" },
      phone: { colorScheme: "light", viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 },
      "phone-dark": { colorScheme: "dark", viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 },
      narrow: { colorScheme: "light", viewport: { width: 280, height: 653 } },
    })) {
      const opened = await open(options);
      const { page } = opened;
      const seen = async (name) => {
        await picture(page, `${name}-${look}`);
        assert.deepEqual(await hardships(page), [], `${name} ${look}`);
      };
      await seen("login");
      await logIn(page, "wrong");
      await page.getByRole("alert").waitFor();
      await seen("login-wrong");
      const callback = `${application.origin}/**`;
      await page.route(callback, (route) => route.fulfill({ status: 204 })); // with which Chromium stays where it is
      await logIn(page);
      await page.getByRole("heading", { name: "Signed in" }).waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.tagName), "A");
      await seen("success");
      await page.unroute(callback);
      await page.getByRole("link", { name: /^Continue to 127/ }).click();
      await connected(page);
      const stray = new URL("/oauth/authorize?client_id=nobody", base);
      await page.goto(stray.href);
      await page.getByText("not known here any more").waitFor();
      await seen("login-error");
      await closeWithRefusals(opened);
    }
  });

  test("long and strange names stay in their places", async () => {
    const name = `${"Donaudampfschifffahrtsgesellschaft".repeat(5)}\u202egnp.exe <b>`;
    const other = await startApplication(base, { name });
    const opened = await open({ viewport: { width: 360, height: 740 } }, other.link({ state: "s" }));
    assert.deepEqual(await hardships(opened.page), []);
    await picture(opened.page, "login-long-name");
    other.stop();
    await close(opened);
  });

  test("an application of its own scheme is named, and its page stays", async () => {
    const cursor = await startApplication(base, { redirect: "cursor://anysphere.cursor-mcp/oauth/callback" });
    const opened = await open({}, cursor.link());
    const { page } = opened;
    await page.getByText("an application on this device, by a link that begins with cursor:").waitFor();
    await picture(page, "login-app");
    await logIn(page);
    const link = page.getByRole("link", { name: "Continue to the application" });
    await link.waitFor();
    await picture(page, "success-app");
    const visit = new URL(await link.getAttribute("href"));
    assert.equal(visit.protocol, "cursor:");
    await redeemed(visit, cursor);
    cursor.stop();
    await opened.context.close();
  });

  test("works behind nginx, with https and a path", async () => {
    const [port, behind] = [await freePort(), await freePort()];
    const outside = `https://localhost:${port}/tools`;
    const within = mkdtempSync(join(tmpdir(), "mcp-proxy-login-"));
    const users = { [ADA.name]: ADA.password };
    const oauth2 = { enabled: true, users, persistenceDir: join(within, "kept"), redirectURIs: ["loopback"] };
    const settings = { addr: `127.0.0.1:${behind}`, baseURL: outside, options: { oauth2 } };
    const hidden = await startProxy({ demo }, { settings });
    const nginx = await startNginx(within, port, behind);
    const app = await startApplication(`http://127.0.0.1:${behind}/tools`);
    try {
      const link = app.link({ from: outside, resource: `${outside}/demo/mcp` });
      const opened = await open({ ignoreHTTPSErrors: true, origins: [app.origin] }, link);
      const { page, context } = opened;
      await page.getByText("Notebook asks to use demo").waitFor();
      const [cookie] = await context.cookies();
      const { secure, httpOnly, sameSite, path } = cookie;
      assert.match(cookie.name, /^__Host-mcp-login-/);
      assert.deepEqual([secure, httpOnly, sameSite, path], [true, true, "Strict", "/"]);
      await logIn(page, "wrong");
      await page.getByRole("alert").waitFor();
      await logIn(page);
      const visit = await connected(page, app);
      assert.equal(visit.searchParams.get("iss"), outside);
      await redeemed(visit, app);
      await close(opened, [REFUSED]);
    } finally {
      app.stop();
      await nginx.stop();
      assert.equal(await hidden.stop(), 0, "the exit status");
      rmSync(within, { recursive: true, force: true });
    }
  });

  describe("of the operator's own", () => {
    const write = (name, text) => writeFileSync(join(templates, name), text);
    after(() => rmSync(templates, { recursive: true, force: true }));

    test("is read again when it changes, and the last good one stays", async () => {
      const opened = await open();
      const { page } = opened;
      const titled = (words) => builtIn("authorize.html").replace("<h1>", `<p>${words}</p><h1>`);
      const says = async (words) => {
        await page.reload();
        await page.getByText(words, { exact: true }).waitFor();
      };
      write("authorize.html", titled("Example Ltd"));
      await says("Example Ltd");
      write("authorize.html", titled("Example Limited"));
      await says("Example Limited");
      write("authorize.html", `line one\nline two\n{{.NoSuchName}}\n`);
      await says("Example Limited");
      const complaint = /authorize\.html.*\b3\b.*NoSuchName.*stays/;
      await until("the complaint", () => complaint.test(proxy.log()));
      write("authorize.html", "{{if .ErrorMessage}}");
      await says("Example Limited");
      await until("the complaint", () => /authorize\.html.*\{\{end\}\} is missing.*stays/.test(proxy.log()));
      await logIn(page);
      await connected(page);
      rmSync(join(templates, "authorize.html"));
      await page.goto(application.link().href);
      assert.equal(await page.getByText("Example Limited").count(), 0, "the built-in page is back");
      await close(opened);
    });

    test("works in the shape of the reference's, with its scripts", async () => {
      write("authorize.html", golden("authorize.html"));
      write("success.html", golden("success.html"));
      const style = { contentType: "text/css", body: "button { color: rgb(1, 2, 3) }" };
      const opened = await openPage(browser, new URL("/oauth/token", base), { origins: [application.origin] });
      const { page, context } = opened;
      await context.route("https://static.example/**", (route) => route.fulfill(style));
      await page.goto(application.link().href);
      await picture(page, "login-custom");
      const button = page.getByRole("button", { name: "Sign in" });
      assert.equal(await button.evaluate((node) => getComputedStyle(node).color), "rgb(1, 2, 3)");
      for (const password of ["wrong", ADA.password]) {
        await page.locator("[name=username]").fill(ADA.name);
        await page.locator("[name=password]").fill(password);
        await button.click();
        await page.getByText(password === "wrong" ? "password is wrong" : `Welcome, ${ADA.name}!`).waitFor();
      }
      await picture(page, "success-custom");
      await redeemed(await connected(page));
      const foreign = opened.complaints.filter((words) => words.startsWith("request: "));
      assert.deepEqual([...new Set(foreign)], ["request: https://static.example/brand.css"]);
      assert.deepEqual(opened.complaints.filter((words) => /^(script|style|form|img)/.test(words)), []);
      await context.close();
    });
  });
});
