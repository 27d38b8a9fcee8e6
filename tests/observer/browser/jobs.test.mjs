// The durable jobs on the page, as the tests' double plays them. How to run it:
// see observer.test.mjs.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  closeBrowser, narrow, onStage, picture, until,
} from "./browser.mjs";
import { goodToken } from "./stage.mjs";

after(closeBrowser);

const openJobs = async (page) => {
  await page.locator("#show-jobs").click();
  await page.locator(".store tbody tr").first().waitFor();
};

const jobButton = (page, id, verb) =>
  page.locator(".store tr", { hasText: new RegExp(`^${id}`) })
    .getByRole("button", { name: verb });

test("a program without durable jobs has no such part", () =>
  onStage({ scene: "pipeline" }, async (page) => {
    assert.equal(await page.locator("#show-jobs").isVisible(), false);
    assert.equal(await page.locator(".jobs").isVisible(), false);
  }));

for (const theme of ["light", "dark"])
  test(`queues and buried jobs are shown (${theme})`, () =>
    onStage({ scene: "jobs", theme }, async (page) => {
      await openJobs(page);
      const mail = page.locator(".store tr", { hasText: "mail" }).first();
      await mail.filter({ hasText: "5 m 12 s" }).waitFor();
      await mail.filter({ hasText: "a second" }).waitFor();
      const text = await page.locator(".store").innerText();
      assert.match(text, /jobs\.db/);
      assert.match(text, /<b>odd<\/b> \\u\{202e\}'; --/);
      assert.match(text, /its process has gone/);
      assert.match(text, /<img src=x onerror=alert\(1\)>\\x07/);
      assert.equal(await page.locator("#tree").isVisible(), true);
      await picture(page, `jobs-${theme}`);
      await page.locator("#show-jobs").click();
      assert.equal(await page.locator(".jobs").isVisible(), false);
    }));

test("the jobs are a tab of a narrow page", () =>
  onStage({ scene: "jobs", size: narrow }, async (page) => {
    await page.locator(".tabs [data-part=jobs]").click();
    await page.locator(".store", { hasText: "no such address" }).waitFor();
    const { wide, seen } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      seen: document.documentElement.clientWidth,
    }));
    assert.ok(wide <= seen, `${wide} > ${seen}`);
    await picture(page, "jobs-narrow");
  }));

test("without a token no job is changed", () =>
  onStage({ scene: "jobs" }, async (page) => {
    await openJobs(page);
    assert.equal(await jobButton(page, 17, "requeue").isDisabled(), true);
  }));

test("a job is requeued at once, and purged if one is sure", () =>
  onStage({ scene: "jobs", token: goodToken }, async (page) => {
    await openJobs(page);
    await jobButton(page, 17, "requeue").click();
    await page.locator("#token").fill(goodToken);
    await page.locator("#token-form [type=submit]").click();
    const answer = page.locator("#jobs-answer");
    await answer.filter({ hasText: "requeue job 17: done" }).waitFor();
    await until(async () =>
      assert.equal(await page.locator(".store").getByRole("button",
        { name: "requeue" }).count(), 2));
    await jobButton(page, 40, "purge").click();
    await page.locator("#sure-dialog", { hasText: "purge job 40" }).waitFor();
    await page.locator("#sure-no").click();
    await jobButton(page, 40, "purge").click();
    await page.locator("#sure-yes").click();
    await answer.filter({ hasText: "purge job 40: done" }).waitFor();
  }));

test("a store that does not answer says why, and is there again", () =>
  onStage({ scene: "jobs" }, async (page, stage) => {
    await openJobs(page);
    stage.tell("jobs off");
    await page.locator(".store .banner", { hasText: "disk I/O error" })
      .waitFor();
    assert.equal(await page.locator(".store table").first().isVisible(), false);
    stage.tell("jobs on");
    await page.locator(".store tbody tr").first().waitFor();
  }));
