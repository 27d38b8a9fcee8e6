// The page of troupe::observer in a browser, as its users see it.
//
//   npm ci && npm test
//
// Needs node 18 or later and Debian's package `chromium` (CHROMIUM names
// another one). By itself this looks at the tests' double of a program; with
// TROUPE_STAGE=/path/to/program it looks at that one, see stage.mjs. What only
// the double can play is in double.test.mjs. SCREENSHOTS=folder keeps pictures.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  button, closeBrowser, crashAndRetry, fact, focused, isExpanded, narrow,
  onStage, openDetails, picture, row, until, waitForButtons, waitForCursor,
  waitForLower, waitForRows,
} from "./browser.mjs";
import { goodToken } from "./stage.mjs";

const fetcher = "/pipeline/fetcher";
const parsers = "/pipeline/parsers";
const writer = "/pipeline/writer";
const everyPath = [
  "/pipeline", fetcher, parsers, `${parsers}/parser-1`, `${parsers}/parser-2`,
  `${parsers}/parser-3`, writer,
];

after(closeBrowser);

/** Notes each condition that the row of `path` is in from now on. */
function recordConditions(page, path) {
  return page.evaluate((wanted) => {
    window.seen = [];
    new MutationObserver((changes) => {
      for (const { target } of changes)
        if (target.dataset.path === wanted
            && window.seen.at(-1) !== target.dataset.condition)
          window.seen.push(target.dataset.condition);
    }).observe(document.getElementById("canvas"), {
      attributes: true, attributeFilter: ["data-condition"], subtree: true,
    });
  }, path);
}

const columns = ["Worker", "State", "Life", "Restarts", "Queue", "Uptime"];

/** What is in the row of the worker at `path` below a heading. */
const cell = (page, path, column) =>
  row(page, path).locator("> *").nth(columns.indexOf(column));

const crash = (stage, path) => stage.tell(`crash ${path}`);

test("a program that is frozen is not live", () =>
  onStage({ expected: [/ERR_/, /Failed to load/] }, async (page, stage) => {
    stage.freeze();
    try {
      await page.locator("#lamp-stream", { hasText: /no word for \d+ s/ })
        .waitFor();
      await page.locator("#lamp-readiness", { hasText: "not known" }).waitFor();
      await page.locator("#trouble", { hasText: "What is shown is from" })
        .waitFor();
      await picture(page, "frozen");
    } finally {
      stage.thaw();
    }
    await page.locator("#lamp-stream", { hasText: "live" }).waitFor();
    await page.locator("#trouble").waitFor({ state: "hidden" });
  }));

test("the tree shows all workers, in their order", () =>
  onStage({}, async (page) => {
    await waitForRows(page, everyPath);
    assert.equal(await row(page, fetcher).getAttribute("aria-level"), "2");
    assert.equal(await isExpanded(page, parsers), "true");
    assert.match(await row(page, fetcher).innerText(), /running/);
    await page.locator("#lamp-readiness", { hasText: "ready" }).waitFor();
    await page.locator(".chip", { hasText: "7 running" }).waitFor();
  }));

test("a crash is seen: backing off, then running again in its next life", () =>
  onStage({}, async (page, stage) => {
    await row(page, fetcher, "running").filter({ hasText: "#1" }).waitFor();
    await page.evaluate(() => {
      window.notReloaded = true;
    });
    await recordConditions(page, fetcher);
    crash(stage, fetcher);
    await row(page, fetcher, "backing_off").filter({ hasText: "backing off" })
      .waitFor();
    await page.locator(".chip", { hasText: "1 backing off" }).waitFor();
    await row(page, "/pipeline").filter({ hasText: "1 below in trouble" })
      .waitFor();
    await picture(page, "crash");
    stage.tell(`retry ${fetcher}`);
    await row(page, fetcher, "running").filter({ hasText: "#2" }).waitFor();
    const seen = await page.evaluate(() => window.seen);
    assert.ok(seen.indexOf("backing_off") < seen.lastIndexOf("running"), seen);
    assert.equal(await page.evaluate(() => window.notReloaded), true);
  }));

test("a supervisor says how many restarts it has left", () =>
  onStage({}, async (page, stage) => {
    await row(page, writer, "running").waitFor();
    crash(stage, writer);
    await row(page, writer, "running").filter({ hasText: "#2" }).waitFor();
    await row(page, "/pipeline").locator(".note")
      .filter({ hasText: "1 of 5 restarts used" }).waitFor();
    // The column says something else: how often each was started again.
    await until(async () =>
      assert.equal(await cell(page, writer, "Restarts").innerText(), "1"));
    assert.equal(await cell(page, writer, "Restarts").getAttribute("title"),
                 "its supervisor has started it again once");
    for (const path of ["/pipeline", parsers, fetcher])
      assert.equal(await cell(page, path, "Restarts").innerText(), "", path);
    assert.match(await page.locator("#columns > *", { hasText: "Restarts" })
      .getAttribute("title"), /How often its supervisor has started it again/);
    await picture(page, "restarts");
    await openDetails(page, writer);
    await fact(page, "Supervisor's window")
      .getByText("1 of 5 restarts").waitFor();
  }));

test("the log tells it as well, the newest first", () =>
  onStage({}, async (page, stage) => {
    await crashAndRetry(page, stage, fetcher);
    const entries = page.locator("#log li", { hasText: `${fetcher} ` });
    await entries.filter({ hasText: "ready" }).filter({ hasText: "#2" })
      .waitFor();
    const kinds =
      await entries.evaluateAll((list) => list.map((x) => x.dataset.kind));
    assert.deepEqual(kinds.slice(0, 4),
                     ["ready", "restarted", "backing_off", "failed"]);
    assert.match(await entries.nth(3).innerText(), /\d\d:\d\d:\d\d\.\d{3}/);
    assert.match(await entries.nth(3).innerText(), /crash/);
  }));

test("the log can be that of the selected worker, and be held", () =>
  onStage({}, async (page, stage) => {
    await openDetails(page, writer);
    await page.getByLabel("of the selected worker").check();
    await crashAndRetry(page, stage, fetcher);
    await row(page, fetcher, "running").filter({ hasText: "#2" }).waitFor();
    const ofFetcher = page.locator("#log li", { hasText: fetcher });
    assert.equal(await ofFetcher.count(), 0);
    await openDetails(page, fetcher);
    await page.locator("#log li[data-kind=failed]").waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await crashAndRetry(page, stage, fetcher);
    const resume = page.getByRole("button", { name: /Resume \(\d+ new\)/ });
    await row(page, fetcher, "running").filter({ hasText: "#3" }).waitFor();
    assert.equal(await page.locator("#log li[data-kind=failed]").count(), 1);
    await resume.click();
    await page.locator("#log li[data-kind=failed]").nth(1).waitFor();
  }));

test("details: what it is, how it does, and how it has ended", () =>
  onStage({}, async (page, stage) => {
    await openDetails(page, fetcher);
    assert.equal(await fact(page, "Kind").innerText(), "worker");
    assert.equal(await fact(page, "State").innerText(), "running");
    assert.equal(await fact(page, "Phase").innerText(), "ready");
    assert.equal(await fact(page, "Incarnation").innerText(), "1");
    assert.ok(await page.locator("#fields > div").count() > 0);
    const uptime = await fact(page, "Uptime").innerText();
    await until(async () =>
      assert.notEqual(await fact(page, "Uptime").innerText(), uptime));
    await crashAndRetry(page, stage, fetcher);
    await page.locator("#ends li", { hasText: "failed" })
      .filter({ hasText: "crash" }).waitFor();
    await fact(page, "Incarnation").getByText("2", { exact: true }).waitFor();
    await fact(page, "Restarts").getByText("1", { exact: true }).waitFor();
  }));

test("the time to the next restart counts down", () =>
  onStage({}, async (page, stage) => {
    await openDetails(page, fetcher);
    crash(stage, fetcher);
    await fact(page, "Next retry").waitFor();
    await waitForLower(fact(page, "Next retry"));
    stage.tell(`retry ${fetcher}`);
    await row(page, fetcher, "running").waitFor();
    await fact(page, "Next retry").waitFor({ state: "detached" });
  }));

test("a queue is drawn, and its messages are counted", () =>
  onStage({}, async (page, stage) => {
    await openDetails(page, writer);
    const edge = page.locator("#spark path.edge");
    const flat = await edge.getAttribute("d");
    stage.tell("hold");
    stage.tell(`send ${writer} 150`);
    await fact(page, "Sent").filter({ hasText: /^150/ }).waitFor();
    await page.locator("#spark-most", { hasText: /at most [1-9]/ }).waitFor();
    assert.notEqual(await edge.getAttribute("d"), flat);
    stage.tell("release");
    await fact(page, "Handled").filter({ hasText: /^150/ }).waitFor();
    await fact(page, "Queued").getByText("0", { exact: true }).waitFor();
    assert.equal(await fact(page, "Holds").innerText(), "1");
  }));

test("search keeps those that match and all above them", () =>
  onStage({}, async (page) => {
    await page.getByLabel("Filter by path").fill("PARSER-2");
    await waitForRows(page, ["/pipeline", parsers, `${parsers}/parser-2`]);
    await page.getByLabel("Filter by path").fill("nobody has this name");
    await page.getByText("No worker matches the filter").waitFor();
    await page.getByLabel("Filter by path").press("Escape");
    await waitForRows(page, everyPath);
  }));

test("a chip keeps those in its state", () =>
  onStage({}, async (page, stage) => {
    crash(stage, fetcher);
    const chip = page.locator(".chip", { hasText: "backing off" });
    await chip.click();
    await waitForRows(page, ["/pipeline", fetcher]);
    assert.equal(await chip.getAttribute("aria-pressed"), "true");
    // It goes as it leaves that state, and the chip stays to be let go.
    stage.tell(`retry ${fetcher}`);
    await waitForRows(page, []);
    await chip.click();
    await waitForRows(page, everyPath);
  }));

test("collapse and expand: one, and all", () =>
  onStage({}, async (page) => {
    await row(page, parsers).locator(".twisty").click();
    await waitForRows(page, ["/pipeline", fetcher, parsers, writer]);
    assert.equal(await isExpanded(page, parsers), "false");
    await page.getByRole("button", { name: "Collapse all" }).click();
    await waitForRows(page, ["/pipeline"]);
    await page.getByRole("button", { name: "Expand all" }).click();
    await waitForRows(page, everyPath);
  }));

test("the keyboard alone is enough", () =>
  onStage({ token: goodToken }, async (page) => {
    await page.keyboard.press("/");
    assert.equal(await focused(page), "search");
    await page.keyboard.type("parser");
    await page.keyboard.press("Enter");
    assert.equal(await focused(page), "tree");
    await page.keyboard.press("/");
    await page.keyboard.press("Escape");
    assert.equal(await focused(page), "tree");
    await waitForRows(page, everyPath);
    await page.keyboard.press("Home");
    await waitForCursor(page, "/pipeline");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await waitForCursor(page, parsers);
    await page.keyboard.press("ArrowLeft");
    await waitForRows(page, ["/pipeline", fetcher, parsers, writer]);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await waitForCursor(page, `${parsers}/parser-1`);
    await page.keyboard.press("ArrowLeft");
    await waitForCursor(page, parsers);
    await page.keyboard.press("End");
    await waitForCursor(page, writer);
    await page.keyboard.press("Enter");
    await page.locator("#details-path", { hasText: writer }).waitFor();
    // Details that are open follow the cursor.
    await page.keyboard.press("ArrowUp");
    await page.locator("#details-path", { hasText: "parser-3" }).waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "close");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.innerText),
                 "Restart");
    await page.keyboard.press("Escape");
    await page.locator("#details").waitFor({ state: "hidden" });
    assert.equal(await focused(page), "tree");
    await page.keyboard.press(" ");
    await page.locator("#details").waitFor();
  }));

test("the focus can be seen", () =>
  onStage({}, async (page) => {
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() =>
      getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(outline, "solid");
  }));

test("a link to a worker opens its details", () =>
  onStage({ hash: writer }, async (page) => {
    await page.locator("#details-path", { hasText: writer }).waitFor();
    await openDetails(page, fetcher);
    await page.waitForURL((url) => url.hash === `#${fetcher}`);
  }));

test("without a token there are no controls", () =>
  onStage({}, async (page) => {
    await openDetails(page, fetcher);
    await page.locator("#controls").waitFor({ state: "hidden" });
  }));

test("a command asks for the token, says what was wrong, and works", () =>
  onStage({ token: goodToken, expected: [/401/, /409/, /404/] },
          async (page) => {
    await openDetails(page, fetcher);
    const restart = page.getByRole("button", { name: "Restart", exact: true });
    const answer = page.locator("#answer");
    await restart.click();
    await page.getByLabel("Token", { exact: true }).fill("wrong");
    await page.getByRole("button", { name: "Use it" }).click();
    await answer.filter({ hasText: "(401)" }).filter({ hasText: "token" })
      .waitFor();
    await picture(page, "token-refused");
    await restart.click();
    await page.getByLabel("Token", { exact: true }).fill(goodToken);
    await page.keyboard.press("Enter");
    await answer.filter({ hasText: "restart: done" }).waitFor();
    await row(page, fetcher, "running").filter({ hasText: "#2" }).waitFor();
    // It is asked for once.
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await answer.filter({ hasText: "stop: done" }).waitFor();
    await row(page, fetcher, "stopped").waitFor();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await answer.filter({ hasText: "start: done" }).waitFor();
    await row(page, fetcher, "running").waitFor();
    // What its supervisor refuses is shown in the supervisor's words: here the
    // page asks for something else than its button says.
    await page.route("**/restart", (route) => route.continue({
      url: route.request().url().replace(/restart$/, "start"),
    }));
    await restart.click();
    await answer.filter({ hasText: "already" }).filter({ hasText: "(409)" })
      .waitFor();
    await page.unrouteAll({ behavior: "ignoreErrors" });
    // Nothing of it is kept where it would outlive the page.
    assert.ok(!(await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage },
                      document.cookie]))).includes(goodToken));
  }));

test("a button is on only while what it does makes sense", () =>
  onStage({ token: goodToken, expected: [/ERR_/, /Failed to load/] },
          async (page, stage) => {
    await openDetails(page, fetcher);
    await waitForButtons(page, { start: "runs already" });
    // One that is off can be asked why, also without a mouse.
    await button(page, "start").focus();
    await page.keyboard.press("Enter");
    const answer = page.locator("#answer");
    await answer.filter({ hasText: "start: it runs already" }).waitFor();
    assert.equal(await page.locator("#token-dialog").isVisible(), false);
    await button(page, "stop").focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Token", { exact: true }).fill(goodToken);
    await page.keyboard.press("Enter");
    await row(page, fetcher, "stopped").waitFor();
    await waitForButtons(page, {
      stop: "does not run", restart: "does not run: Start starts it",
    });
    await picture(page, "buttons-stopped");
    assert.equal(await page.evaluate(() => document.activeElement.innerText),
                 "Stop");
    await button(page, "start").click();
    await row(page, fetcher, "running").filter({ hasText: "#2" }).waitFor();
    stage.tell("hold");
    stage.tell("stop");
    const why = "/pipeline is stopping: its children can no longer be changed";
    await waitForButtons(page, { start: why, stop: why, restart: why });
  }));

test("the question for the token can be called off", () =>
  onStage({ token: goodToken }, async (page) => {
    await openDetails(page, fetcher);
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByLabel("Token", { exact: true }).press("Escape");
    await page.locator("#token-dialog").waitFor({ state: "hidden" });
    // Esc was for the dialog, not for the details below it.
    await page.locator("#details").waitFor();
    await row(page, fetcher, "running").waitFor();
  }));

test("what would end more than one worker is asked twice", () =>
  onStage({ token: goodToken }, async (page) => {
    await openDetails(page, parsers);
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByText(`Really stop ${parsers} with all`).waitFor();
    await page.keyboard.press("Escape");
    await page.locator("#sure-dialog").waitFor({ state: "hidden" });
    await row(page, parsers, "running").waitFor();
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("button", { name: "Stop it" }).click();
    await page.getByLabel("Token", { exact: true }).fill(goodToken);
    await page.keyboard.press("Enter");
    await row(page, parsers, "stopped").waitFor();
  }));

test("what would cost queued messages is asked twice, with their number", () =>
  onStage({ token: goodToken }, async (page, stage) => {
    await openDetails(page, writer);
    stage.tell("hold");
    stage.tell(`send ${writer} 900`);
    await fact(page, "Queued").filter({ hasText: /[1-9]/ }).waitFor();
    const stop = page.getByRole("button", { name: "Stop", exact: true });
    await stop.click();
    const dialog = page.getByRole("dialog", { name: `Really stop ${writer}?` });
    const warning = await dialog.locator("#sure-warning").innerText();
    assert.match(warning, /^\d+ queued messages may be lost\. A stop discards/);
    assert.ok(parseInt(warning) <= 900, warning);
    assert.equal(await dialog.getAttribute("aria-describedby"), "sure-warning");
    // What costs nothing has the focus.
    assert.equal(await focused(page), "sure-no");
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    await row(page, writer, "running").filter({ hasText: "#1" }).waitFor();
    assert.equal(await fact(page, "Dead letters").innerText(), "0");
    // A restart loses none, so it is not asked about.
    await page.getByRole("button", { name: "Restart", exact: true }).click();
    await page.getByLabel("Token", { exact: true }).fill(goodToken);
    await page.keyboard.press("Enter");
    stage.tell("release");
    await row(page, writer, "running").filter({ hasText: "#2" }).waitFor();
    await fact(page, "Queued").getByText("0", { exact: true }).waitFor();
    assert.equal(await fact(page, "Dead letters").innerText(), "0");
    stage.tell("hold");
    stage.tell(`send ${writer} 900`);
    await fact(page, "Queued").filter({ hasText: /[1-9]/ }).waitFor();
    await stop.focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "sure-yes");
    await page.keyboard.press("Enter");
    await fact(page, "Dead letters").filter({ hasText: /[1-9]/ }).waitFor();
    stage.tell("release");
    await row(page, writer, "stopped").waitFor();
  }));

test("while it stops, a banner says who is awaited and for how long", () =>
  onStage({ expected: [/ERR_/, /Failed to load/] }, async (page, stage) => {
    stage.tell("hold");
    stage.tell("stop");
    const banner = page.locator("#stopping");
    await banner.filter({ hasText: writer }).waitFor();
    await row(page, writer, "stopping").waitFor();
    await page.locator("#lamp-readiness", { hasText: "not ready" }).waitFor();
    await picture(page, "stopping");
    const before = await page.locator("#stopping-for").innerText();
    await until(async () =>
      assert.notEqual(await page.locator("#stopping-for").innerText(), before));
    // It is announced once, not at each tick.
    assert.match(await page.locator("#live").innerText(), /Stopping.*writer/);
  }));

for (const theme of ["light", "dark"])
  test(`the theme is that of the system, ${theme}, until it is chosen`, () =>
    onStage({ theme }, async (page) => {
      const ground = () => page.evaluate(() =>
        getComputedStyle(document.body).backgroundColor);
      const first = await ground();
      const button = page.getByRole("button", { name: /Theme/ });
      await button.click();
      await button.filter({ hasText: "light" }).waitFor();
      assert.equal(await ground() === first, theme === "light");
      await button.click();
      await button.filter({ hasText: "dark" }).waitFor();
      assert.equal(await ground() === first, theme === "dark");
      await page.reload();
      await button.filter({ hasText: "dark" }).waitFor();
    }));

test("a narrow window shows one part at a time", () =>
  onStage({ size: narrow }, async (page, stage) => {
    await waitForRows(page, everyPath);
    crash(stage, fetcher);
    await page.getByRole("button", { name: "Events", exact: true }).click();
    await page.locator("#log li[data-kind=failed]").waitFor();
    await page.locator("#tree").waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Workers", exact: true }).click();
    await openDetails(page, fetcher);
    const box = await page.locator("#details").boundingBox();
    assert.equal(box.width, narrow.width);
    await page.getByRole("button", { name: "Close the details" }).click();
    await page.locator("#tree").waitFor();
    const overflow = await page.evaluate(() =>
      document.documentElement.scrollWidth - window.innerWidth);
    assert.equal(overflow, 0);
  }));
