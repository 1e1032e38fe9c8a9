// One window of Debian's Chromium, driven by Playwright, for tests/support/python/browser.py: a command a line on
// standard input, its outcome a line on standard output, both JSON. Ends with its input.
//   usage: node bridge.mjs MODULES PROFILE FLAG...     MODULES: the directory that has node_modules/playwright-core
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [modules, profile, ...flags] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)("playwright-core");

const context = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  args: flags,
  viewport: null, // `size` says it to the page
});
const page = context.pages()[0] ?? (await context.newPage());
const tools = await context.newCDPSession(page);
page.setDefaultTimeout(60_000);

let asked = []; // every address that the page asked for
let complaints = []; // of its console
context.on("request", (request) => asked.push(request.url()));
page.on("console", (line) => {
  if (["error", "warning"].includes(line.type())) complaints.push(`${line.location().url} ${line.text()}`);
});
page.on("pageerror", (error) => complaints.push(`${page.url()} ${error}`));

const shown = async (elements) => (await elements.filter({ visible: true }).allInnerTexts()).map((text) => text.trim());
const commands = {
  open: (url) => page.goto(url).then(() => null),
  reload: () => page.reload().then(() => null),
  back: () => page.goBack().then(() => null),
  run: (script, ...values) => page.evaluate(`(function () { ${script} }).apply(null, ${JSON.stringify(values)})`),
  text: (selector) => shown(page.locator(selector).first()).then((all) => all[0] ?? null),
  texts: (selector) => shown(page.locator(selector)),
  attribute: (selector, name) => page.locator(selector).getAttribute(name),
  click: (selector) => page.locator(selector).click(),
  press: (key) => page.keyboard.press(key),
  type: (text) => page.keyboard.type(text),
  focus: (selector) => page.locator(selector).focus(),
  scheme: (name) => page.emulateMedia({ colorScheme: name }),
  tool: (method, values) => tools.send(method, values),
  picture: (path, whole) => page.screenshot({ path, fullPage: whole }).then(() => null),
  logs: () => {
    const outcome = { asked, complaints };
    asked = [];
    complaints = [];
    return outcome;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...values] = JSON.parse(line);
  let outcome;
  try {
    outcome = { value: (await commands[name](...values)) ?? null };
  } catch (error) {
    outcome = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
await context.close();
