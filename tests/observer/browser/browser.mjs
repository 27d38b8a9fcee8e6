// A browser with the page of an observer in it, and what tests ask about that.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { startStage } from "./stage.mjs";

export const wide = { width: 1280, height: 800 };
export const narrow = { width: 390, height: 844 };

/** How long a test waits at most, in milliseconds: only one that fails does. */
const patience = 120_000;

let browser = null;

async function theBrowser() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    timeout: patience,
    // There is no sandbox for root, which is who runs this in a container.
    args: ["--no-sandbox"],
  });
  return browser;
}

export async function closeBrowser() {
  await browser?.close();
  browser = null;
}

/** Whatever the page complains about is a failure, unless it is `expected`. */
function collectComplaints(page, expected) {
  const complaints = [];
  const take = (text) => {
    if (!expected.some((pattern) => pattern.test(text)))
      complaints.push(text);
  };
  page.on("pageerror", (error) => take(`${error}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()))
      take(message.text());
  });
  return complaints;
}

/**
 * Calls `use` with a page and the stage it shows, and ends both after it.
 * @param expected patterns of complaints in the console that belong to it.
 */
export async function onStage(options, use) {
  const { scene, token, size = wide, theme = "light", expected = [] } = options;
  const stage = await startStage({ scene, token });
  const context = await (await theBrowser()).newContext({
    viewport: size, colorScheme: theme,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  const complaints = collectComplaints(page, expected);
  try {
    await page.goto(options.hash ? `${stage.url}/#${options.hash}` : stage.url);
    await page.locator("#lamp-stream", { hasText: "live" }).waitFor();
    await use(page, stage);
  } finally {
    await context.close();
    await stage.quit();
  }
  assert.deepEqual(complaints, []);
}

/** Has `page` believe that its tab is hidden, or that it can be seen. */
export function setHidden(page, isHidden) {
  return page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden",
                          { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}

/** Opens `count` more tabs like `page`, each of which is live. */
export async function moreTabs(page, count) {
  const tabs = [];
  for (let n = 0; n < count; ++n) {
    const tab = await page.context().newPage();
    tab.setDefaultTimeout(patience);
    await tab.goto(page.url());
    await tab.locator("#lamp-stream", { hasText: "live" }).waitFor();
    tabs.push(tab);
  }
  return tabs;
}

/** The row of the worker at `path`, in one condition or in any. */
export function row(page, path, condition) {
  const state = condition ? `[data-condition="${condition}"]` : "";
  return page.locator(`.row[data-path=${JSON.stringify(path)}]${state}`);
}

/** The value of a fact in the details. */
export function fact(page, label) {
  return page.locator("#details .facts > div", {
    has: page.locator("dt").getByText(label, { exact: true }),
  }).locator("dd");
}

export async function openDetails(page, path) {
  await row(page, path).locator(".name").click();
  await page.locator("#details-path").getByText(path, { exact: true })
    .waitFor();
}

export const isExpanded = (page, path) =>
  row(page, path).getAttribute("aria-expanded");

/** The paths of the rows that are shown, from the top down. */
export function shownPaths(page) {
  return page.locator(".row").evaluateAll((rows) => {
    const top = (row) => row.getBoundingClientRect().top;
    return rows.sort((a, b) => top(a) - top(b)).map((x) => x.dataset.path);
  });
}

/** Waits until the rows that are shown are these. */
export async function waitForRows(page, paths) {
  await until(async () => {
    assert.deepEqual(await shownPaths(page), paths);
  });
}

/** Waits until `check` does not throw any more. */
export async function until(check) {
  const end = performance.now() + patience;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end)
        throw error;
    }
    // Lets the page have the processor before the next look.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until a time that the page shows, as `59 m 08 s`, has become less. */
export async function waitForLower(locator) {
  const time = async () => {
    const [, minutes, seconds] =
      (await locator.innerText()).match(/(\d+) m (\d+) s/);
    return Number(minutes) * 60 + Number(seconds);
  };
  const first = await time();
  await until(async () => assert.ok(await time() < first));
}

/** Has the worker at `path` fail and, when it is seen to back off, retry. */
export async function crashAndRetry(page, stage, path) {
  stage.tell(`crash ${path}`);
  await row(page, path, "backing_off").waitFor();
  stage.tell(`retry ${path}`);
}

/** The button for a command to the worker whose details are open. */
export const button = (page, verb) => page.locator(`[data-verb=${verb}]`);

/** Waits until just these buttons are off, for these reasons. */
export async function waitForButtons(page, off) {
  await until(async () => {
    for (const verb of ["restart", "stop", "start"]) {
      assert.equal(await button(page, verb).isDisabled(), verb in off, verb);
      const title = await button(page, verb).getAttribute("title");
      const isRight = verb in off ? title.includes(off[verb]) : title === null;
      assert.ok(isRight, title);
    }
  });
}

/** What has the focus: the id of the element. */
export const focused = (page) => page.evaluate(() => document.activeElement.id);

/** The path of the worker under the cursor of the tree. */
export const cursorPath = (page) => page.evaluate(() => {
  const tree = document.getElementById("tree");
  const id = tree.getAttribute("aria-activedescendant");
  return id && document.getElementById(id).dataset.path;
});

export async function waitForCursor(page, path) {
  await until(async () => assert.equal(await cursorPath(page), path));
}

/** Kept for the eye, in the folder that SCREENSHOTS names. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (!folder)
    return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
