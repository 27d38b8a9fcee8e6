// What the page does in cases that are hard to bring about with a real program:
// the tests' double plays them. How to run it: see observer.test.mjs.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  button, closeBrowser, crashAndRetry, fact, moreTabs, narrow, onStage,
  openDetails, picture, row, setHidden, shownPaths, until, waitForButtons,
  waitForRows, wide,
} from "./browser.mjs";

after(closeBrowser);

/** The pipeline, for tests in which the network is not to be relied on. */
const shaky = { scene: "pipeline", expected: [/ERR_/, /Failed to load/] };

test("an event is shown at once, before the next status says so", () =>
  onStage({ scene: "pipeline" }, async (page, stage) => {
    await page.route("**/status.json", () => {});
    await crashAndRetry(page, stage, "/pipeline/fetcher");
    await row(page, "/pipeline/fetcher", "running").filter({ hasText: "#2" })
      .waitFor();
    await page.unrouteAll({ behavior: "ignoreErrors" });
  }));

test("the status is read once at a time, however much happens", () =>
  onStage({ scene: "pipeline" }, async (page, stage) => {
    const held = [];
    await page.route("**/status.json", (route) => held.push(route));
    await until(async () => assert.equal(held.length, 1));
    for (const n of [1, 2, 3])
      stage.tell(`crash /pipeline/parsers/parser-${n}`);
    await crashAndRetry(page, stage, "/pipeline/fetcher");
    await row(page, "/pipeline/fetcher", "running").filter({ hasText: "#2" })
      .waitFor();
    assert.equal(held.length, 1);
    await held[0].continue();
    await until(async () => assert.equal(held.length, 2));
    await page.unrouteAll({ behavior: "ignoreErrors" });
  }));

test("a stream that breaks is opened again, and nothing is lost", () =>
  onStage(shaky, async (page, stage) => {
    await page.evaluate(() => {
      window.links = [];
      new MutationObserver(() =>
        window.links.push(document.getElementById("lamp-stream").innerText))
        .observe(document.getElementById("lamp-stream"), {
          subtree: true, characterData: true, childList: true,
        });
    });
    const again = page.waitForRequest(/\/events$/);
    stage.tell("break");
    stage.tell("crash /pipeline/fetcher");
    const request = await again;
    assert.ok(Number(request.headers()["last-event-id"]) > 0);
    await page.locator("#lamp-stream", { hasText: "live" }).waitFor();
    await page.locator("#log li[data-kind=failed]").waitFor();
    await row(page, "/pipeline/fetcher", "backing_off").waitFor();
    assert.equal(await page.locator("#log li[data-kind=failed]").count(), 1);
    const links = await page.evaluate(() => window.links);
    assert.ok(links.some((text) => /reconnecting/.test(text)), links);
  }));

test("a stream that is refused says why, and is tried again", () =>
  onStage(shaky, async (page, stage) => {
    stage.tell("refuse on");
    stage.tell("break");
    await page.locator("#lamp-stream", { hasText: "100 streams are open" })
      .waitFor();
    stage.tell("refuse off");
    await page.locator("#lamp-stream", { hasText: "live" }).waitFor();
  }));

test("an observer that does not answer is said not to, and nothing ticks", () =>
  onStage(shaky, async (page, stage) => {
    await openDetails(page, "/pipeline/writer");
    stage.tell("mute on");
    await page.locator("#trouble", { hasText: "The observer does not answer" })
      .waitFor();
    await page.locator("#live", { hasText: "does not answer" }).waitFor({
      state: "attached",
    });
    await picture(page, "not-answering");
    const uptime = await fact(page, "Uptime").innerText();
    stage.tell("mute off");
    await page.locator("#trouble").waitFor({
      state: "hidden",
    });
    await until(async () =>
      assert.notEqual(await fact(page, "Uptime").innerText(), uptime));
  }));

test("a program that was started again is followed from its first event", () =>
  onStage(shaky, async (page, stage) => {
    await page.locator("#log li").nth(6).waitFor();
    stage.tell("begin-again");
    await until(async () =>
      assert.equal(await page.locator("#log li").count(), 1));
    stage.tell("crash /pipeline/fetcher");
    await page.locator("#log li[data-kind=failed]").waitFor();
  }));

test("nine tabs share one stream, whoever has it", () =>
  onStage({ scene: "pipeline" }, async (page, stage) => {
    const streams = [];
    page.context().on("request", (request) => {
      if (new URL(request.url()).pathname === "/events")
        streams.push(request.frame().page());
    });
    const others = await moreTabs(page, 8);
    assert.deepEqual(streams, []);
    const all = [page, ...others];
    const checkAll = async (tabs, path) => {
      stage.tell(`crash ${path}`);
      for (const tab of tabs)
        await tab.locator("#log li[data-kind=failed]", { hasText: path })
          .waitFor();
    };
    await checkAll(all, "/pipeline/fetcher");
    // The one that has it is hidden, and closed: another one gets it.
    await setHidden(page, true);
    await checkAll(others, "/pipeline/writer");
    assert.equal(streams.length, 1);
    await setHidden(page, false);
    await page.locator("#log li[data-kind=failed]", { hasText: "writer" })
      .waitFor();
    await page.locator("#lamp-stream", { hasText: "live" }).waitFor();
    assert.equal(streams.length, 1);
    await streams[0].close();
    const rest = all.filter((tab) => tab !== streams[0]);
    await checkAll(rest, "/pipeline/parsers/parser-1");
    for (const tab of rest) {
      await tab.locator("#lamp-stream", { hasText: "live" }).waitFor();
      assert.equal(await tab.locator("#log li[data-kind=failed]").count(), 3);
    }
    assert.equal(streams.length, 2);
  }));

test("a page says what it waits for while it is loaded", () =>
  onStage({ scene: "crowd" }, async (page, stage) => {
    let goOn = () => {};
    const gate = new Promise((resolve) => {
      goOn = resolve;
    });
    await page.route("**/status.json", (route) =>
      gate.then(() => route.continue()).catch(() => {}));
    await page.goto(`${stage.url}/?again`);
    await page.locator("#nothing", { hasText: "Asking for the workers" })
      .waitFor();
    await page.evaluate(() => {
      window.said = [];
      new MutationObserver(() =>
        window.said.push(document.getElementById("nothing").innerText))
        .observe(document.getElementById("nothing"), {
          subtree: true, characterData: true, childList: true,
        });
    });
    goOn();
    await page.locator("#nothing").waitFor({ state: "hidden" });
    const said = await page.evaluate(() => window.said);
    assert.ok(said.some((x) => /Reading the workers … [1-9]/.test(x)), said);
    await page.unrouteAll({ behavior: "ignoreErrors" });
  }));

test("an event that is repeated is one line, and hides no other one", () =>
  onStage({ scene: "pipeline" }, async (page, stage) => {
    stage.tell("crash /pipeline/parsers/parser-1");
    for (let n = 0; n < 600; ++n) {
      stage.tell("stall /pipeline/writer");
      stage.tell("stall /pipeline/fetcher");
    }
    const stalled = page.locator("#log li[data-kind=stalled]");
    await stalled.filter({ hasText: "writer" }).filter({ hasText: "× 600" })
      .waitFor();
    await stalled.filter({ hasText: "fetcher" }).filter({ hasText: "× 600" })
      .waitFor();
    assert.equal(await stalled.count(), 2);
    await page.locator("#log li[data-kind=failed]").waitFor();
    await picture(page, "repeated");
  }));

test("those in trouble come first, with one key, and are one click away", () =>
  onStage({ scene: "troubled" }, async (page) => {
    await page.locator(".row").nth(18).waitFor();
    const before = await shownPaths(page);
    await page.keyboard.press("t");
    await until(async () => assert.deepEqual((await shownPaths(page)).slice(0, 5),
      ["/pipeline", "/pipeline/index", "/pipeline/stores",
       "/pipeline/stores/primary", "/pipeline/stores/replica"]
        .filter((x) => before.includes(x))));
    await picture(page, "trouble-first");
    const button = page.getByRole("button", { name: "Trouble first" });
    assert.equal(await button.getAttribute("aria-pressed"), "true");
    await button.click();
    await waitForRows(page, before);
    // It leads to one after the other.
    const below = row(page, "/pipeline").locator(".below");
    assert.equal(await below.innerText(), "4 below in trouble");
    await below.click();
    await page.locator("#details-path", { hasText: "/pipeline/index" })
      .waitFor();
    await below.click();
    await page.locator("#details-path", { hasText: "/pipeline/stores/primary" })
      .waitFor();
  }));

test("events that were missed are counted", () =>
  onStage({ scene: "pipeline" }, async (page, stage) => {
    stage.tell("miss 17");
    await page.locator("#lamp-missed", { hasText: "17 events missed" })
      .waitFor();
  }));

test("names are text, whatever they hold", () =>
  onStage({ scene: "hostile" }, async (page, stage) => {
    await page.locator(".row").nth(6).waitFor();
    // As in a terminal, nothing turns the text around or hides it.
    await page.locator(".row .name").getByText(
      "\\u{202e}gnorw eht yaw\\x07\\x0a", { exact: true }).waitFor();
    const image = "<img src=x onerror=window.attacked=1>";
    assert.equal(await page.locator(".row .name").first().innerText(), image);
    await page.locator(".row .name", { hasText: "window.attacked=1</script>" })
      .click();
    await page.locator("#fields dt", { hasText: "<i>key</i>" }).waitFor();
    await page.locator("#fields dd", { hasText: "<svg onload=" }).waitFor();
    await fact(page, "Health").filter({ hasText: "<b onmouseover=" }).waitFor();
    stage.tell(`crash /${image}/50% & #1?`);
    await page.locator("#log li[data-kind=failed]").waitFor();
    await page.locator(".row .name", { hasText: "50% & #1?" }).click();
    await page.locator("#ends li", { hasText: "failed" }).waitFor();
    await picture(page, "hostile-names");
    assert.equal(await page.evaluate(() => window.attacked), undefined);
    assert.equal(await page.locator("main img, main script").count(), 0);
    // A name cannot push anything out of the window either.
    assert.equal(await page.evaluate(() =>
      document.documentElement.scrollWidth - window.innerWidth), 0);
    // The address leads back to it.
    await page.waitForURL((url) => url.hash.includes("50%25"));
    await page.reload();
    await page.locator("#details-name", { hasText: "50% & #1?" }).waitFor();
  }));

/** What the chips in `place` count, `{word: count}`. */
const chipCounts = (page, place) =>
  page.locator(`${place} .chip`).evaluateAll((chips) => Object.fromEntries(
    chips.map((chip) => [chip.querySelector("span").textContent,
                         Number(chip.querySelector("b").textContent)])));

test("the chips count each worker once, and apart what is wrong on top", () =>
  onStage({ scene: "troubled" }, async (page) => {
    await page.locator(".row").nth(18).waitFor();
    await until(async () =>
      assert.deepEqual(await chipCounts(page, "#chips-state"), {
        running: 15, starting: 1, failed: 1, abandoned: 1, stopped: 1,
      }));
    assert.equal(await page.locator(".row").count(), 19);
    assert.deepEqual(await chipCounts(page, "#chips-also"),
                     { degraded: 1, "not answering": 1 });
    await page.getByRole("group", { name: "of these:" }).waitFor();
    // They filter as the others do.
    await page.locator(".chip", { hasText: "not answering" }).click();
    await until(async () =>
      assert.equal(await page.locator(".row:not(.beside)").count(), 1));
  }));

test("without anything wrong on top nothing is counted apart", () =>
  onStage({ scene: "pipeline" }, async (page) => {
    await page.locator(".chip", { hasText: "7 running" }).waitFor();
    await page.locator("#chips-also-part").waitFor({ state: "hidden" });
  }));

/** Presses a button for the worker at `path`. @returns what is asked then. */
async function questionFor(page, path, verb) {
  await openDetails(page, path);
  await page.getByRole("button", { name: verb, exact: true }).click();
  await page.locator("dialog[open]").waitFor();
  const question = await page.locator("dialog[open]").innerText();
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "hidden" });
  return question;
}

test("what may be lost is counted once, and only what may be", () =>
  onStage({ scene: "shop", token: "shop" }, async (page, stage) => {
    const asked = (path, verb) => questionFor(page, path, verb);
    assert.match(await asked("/shop/clerks", "Stop"),
                 /all that is below it\?\s+13 queued messages may be lost/);
    // The queue of a pool stays open, and takes what its workers have.
    assert.match(await asked("/shop/clerks", "Restart"),
                 /all that is below it\?\s+Cancel/);
    // The others of a pool get what one of them has queued.
    assert.match(await asked("/shop/clerks/clerk#2", "Stop"), /^Token/);
    assert.match(await asked("/shop/stock", "Stop"),
                 /1,234 queued messages may be lost\. A stop discards/);
    assert.match(await asked("/shop/stock/cellar", "Stop"),
                 /^Really stop \/shop\/stock\/cellar\?\s+34 queued messages/);
    assert.match(await asked("/shop/stock/yard", "Restart"), /^Token/);
    assert.match(await asked("/shop/till", "Stop"), /1 queued message may be/);
    // Nothing is lost where a queue is drained.
    assert.match(await asked("/shop/stock/dock", "Stop"), /^Token/);
    await fact(page, "Restart type")
      .getByText("transient, significant", { exact: true }).waitFor();
    await fact(page, "Grace period").getByText("2.5 s", { exact: true })
      .waitFor();
    await fact(page, "Queue at a stop").getByText("drain", { exact: true })
      .waitFor();
    // One that waits for its restart cannot even drain.
    stage.tell("crash /shop/till");
    await row(page, "/shop/till", "backing_off").waitFor();
    assert.match(await asked("/shop/till", "Stop"),
                 /1 queued message will be lost.*Start does not lose them/);
    for (const verb of ["Start", "Restart"])
      assert.match(await asked("/shop/till", verb), /^Token/);
  }));

test("a restart that is waited for can come at once, or not at all", () =>
  onStage({ scene: "shop", token: "shop" }, async (page, stage) => {
    await openDetails(page, "/shop/till");
    stage.tell("crash /shop/till");
    await row(page, "/shop/till", "backing_off").waitFor();
    await waitForButtons(page, {});
    await button(page, "start").click();
    await page.getByLabel("Token", { exact: true }).fill("shop");
    await page.keyboard.press("Enter");
    await row(page, "/shop/till", "running").filter({ hasText: "#2" })
      .waitFor();
    await waitForButtons(page, { start: "it runs already" });
  }));

for (const theme of ["light", "dark"])
  for (const [name, size] of Object.entries({ wide, narrow }))
    test(`the question about a queue fits, ${theme} and ${name}`, () =>
      onStage({ scene: "shop", token: "shop", theme, size }, async (page) => {
        await openDetails(page, "/shop/stock");
        await page.getByRole("button", { name: "Restart", exact: true })
          .click();
        const box = await page.locator("#sure-dialog").boundingBox();
        assert.ok(box.x >= 0 && box.x + box.width <= size.width);
        const warning = await page.locator("#sure-warning").boundingBox();
        const yes = await page.locator("#sure-yes").boundingBox();
        assert.ok(warning.x > box.x && warning.y + warning.height < yes.y);
        await picture(page, `${theme}-${name}-sure`);
      }));

/** Has the page note how much of itself it changes at a time, at most. */
function watchChanges(page) {
  return page.evaluate(() => {
    window.mostChanges = 0;
    new MutationObserver((changes) => {
      window.mostChanges = Math.max(window.mostChanges, changes.length);
    }).observe(document.body, {
      attributes: true, characterData: true, childList: true, subtree: true,
    });
  });
}

/** That is what costs: it must not grow with the number of workers. */
async function checkChanges(page) {
  const most = await page.evaluate(() => window.mostChanges);
  assert.ok(most < 5000, `${most} changes of the page at a time`);
}

const rowCount = (page) => page.locator(".row").count();

test("10,000 workers: few rows in the page, and few changes", () =>
  onStage({ scene: "crowd" }, async (page, stage) => {
    await watchChanges(page);
    await page.locator(".chip", { hasText: "10,001 running" }).waitFor();
    assert.ok(await rowCount(page) < 80);
    const last = "/crowd/group-99/worker-98";
    await page.locator("#tree").focus();
    await page.keyboard.press("End");
    await row(page, last, "running").waitFor();
    await page.locator("#tree").evaluate((tree) => {
      tree.scrollTop = tree.scrollHeight / 2;
    });
    await page.locator('.row[data-path^="/crowd/group-5"]').first().waitFor();
    await page.keyboard.press("End");
    await crashAndRetry(page, stage, last);
    await row(page, last, "running").filter({ hasText: "#2" }).waitFor();
    await picture(page, "crowd");
    // At least one more status has been read and merged by then.
    await page.waitForResponse(/status\.json/);
    await page.waitForResponse(/status\.json/);
    await checkChanges(page);
  }));

test("10,000 workers: search, collapse and expand", () =>
  onStage({ scene: "crowd" }, async (page) => {
    await watchChanges(page);
    await page.getByLabel("Filter by path").fill("group-42/worker-07");
    await row(page, "/crowd/group-42/worker-07").waitFor();
    assert.equal(await rowCount(page), 3);
    await page.getByLabel("Filter by path").fill("");
    await page.getByRole("button", { name: "Collapse all" }).click();
    await until(async () => assert.equal(await rowCount(page), 1));
    await page.getByRole("button", { name: "Expand all" }).click();
    await page.locator(".row").nth(20).waitFor();
    assert.ok(await rowCount(page) < 80);
    await checkChanges(page);
  }));

test("10,000 workers: all of them stop at once", () =>
  onStage({ scene: "crowd" }, async (page, stage) => {
    await watchChanges(page);
    stage.tell("hold");
    stage.tell("stop");
    await page.locator("#stopping", { hasText: "more" }).waitFor();
    stage.tell("release");
    await page.locator(".chip", { hasText: "10,001 stopped" }).waitFor();
    await page.locator("#stopping").waitFor({ state: "hidden" });
    assert.equal(await page.locator("#log li").count(), 500);
    await checkChanges(page);
  }));

for (const theme of ["light", "dark"])
  for (const [name, size] of Object.entries({ wide, narrow }))
    test(`each kind of trouble has its word, ${theme} and ${name}`, () =>
      onStage({ scene: "troubled", theme, size }, async (page, stage) => {
        for (const word of ["degraded", "not answering", "failed", "abandoned",
                            "stopped", "starting"])
          await page.locator(".chip", { hasText: word }).waitFor();
        stage.tell("hold");
        stage.tell("send /pipeline/writer 90");
        stage.tell("crash /pipeline/parsers/parser-2");
        stage.tell("crash /pipeline/fetcher");
        await row(page, "/pipeline/fetcher", "backing_off").waitFor();
        await picture(page, `${theme}-${name}`);
        await openDetails(page, "/pipeline/stores/primary");
        await fact(page, "Answers").filter({ hasText: "not answering" })
          .waitFor();
        await fact(page, "Dead letters")
          .filter({ hasText: "3 (2 discarded, 1 lost)" }).waitFor();
        await fact(page, "Handed over").getByText("4", { exact: true })
          .waitFor();
        await page.getByRole("button", { name: "Close the details" }).click();
        await openDetails(page, "/pipeline/index");
        await fact(page, "Health").filter({ hasText: "the disk is 92 % full" })
          .waitFor();
        await fact(page, "Asked").filter({ hasText: "not in time" }).waitFor();
        await page.getByRole("button", { name: "Close the details" }).click();
        await openDetails(page, "/pipeline/writer");
        await page.locator("#spark-most", { hasText: /at most [1-9]/ })
          .waitFor();
        stage.tell("release");
        await fact(page, "Queued").getByText("0", { exact: true }).waitFor();
        await picture(page, `${theme}-${name}-details`);
        if (size === narrow) {
          await page.getByRole("button", { name: "Close the details" }).click();
          await page.locator(".tabs [data-part=events]").click();
          await page.locator("#log li").first().waitFor();
          await picture(page, `${theme}-${name}-events`);
        }
      }));
